//! A server between the program and another one, which fails as a test's script says.
//!
//! Every connection carries one request, so that each can be failed by itself. Leaves out: TLS,
//! and anything that does not say its length.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What happens to one request.
#[derive(Debug, Clone, Copy)]
pub enum Fault {
    /// It passes, and so does the answer.
    Pass,
    /// It is carried out, but the answer becomes a 503.
    LoseAnswer,
    /// It is carried out, but the connection ends without an answer.
    DropAnswer,
    /// It is carried out, and the connection ends within the answer's body.
    CutAnswer,
    /// It is not carried out; this status and body come back.
    Answer(u16, &'static str),
}

/// A running proxy; it ends with the test process.
pub struct Proxy {
    address: String,
    requests: Arc<AtomicUsize>,
}

impl Proxy {
    /// `script` gets each request's number (from 0), method and path.
    pub fn start(
        upstream: &str,
        script: impl Fn(usize, &str, &str) -> Fault + Send + Sync + 'static,
    ) -> Proxy {
        Proxy::listen(upstream, None, script)
    }

    /// Passes everything on but one header, as a store would that does not know it.
    pub fn deaf(upstream: &str, header: &'static str) -> Proxy {
        Proxy::listen(upstream, Some(header), |_, _, _| Fault::Pass)
    }

    fn listen(
        upstream: &str,
        deaf_to: Option<&'static str>,
        script: impl Fn(usize, &str, &str) -> Fault + Send + Sync + 'static,
    ) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("a bound port").to_string();
        let requests = Arc::new(AtomicUsize::new(0));
        let (upstream, counter) = (upstream.to_string(), Arc::clone(&requests));
        let script = Arc::new(script);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (upstream, counter) = (upstream.clone(), Arc::clone(&counter));
                let script = Arc::clone(&script);
                std::thread::spawn(move || {
                    // A client that hangs up is its own business.
                    let _ = serve(client, &upstream, deaf_to, &counter, &*script);
                });
            }
        });
        Proxy { address, requests }
    }

    pub fn address(&self) -> &str {
        &self.address
    }

    pub fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

fn serve(
    mut client: TcpStream,
    upstream: &str,
    deaf_to: Option<&str>,
    counter: &AtomicUsize,
    script: &dyn Fn(usize, &str, &str) -> Fault,
) -> std::io::Result<()> {
    let mut reader = BufReader::new(client.try_clone()?);
    let mut first = String::new();
    if reader.read_line(&mut first)? == 0 {
        return Ok(());
    }
    let (head, length) = read_head(&mut reader, deaf_to)?;
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;

    let number = counter.fetch_add(1, Ordering::SeqCst);
    let mut words = first.split(' ');
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let fault = script(number, method, path);
    if let Fault::Answer(status, body) = fault {
        return answer(&mut client, status, body);
    }
    let mut server = TcpStream::connect(upstream)?;
    write!(server, "{first}{head}Connection: close\r\n\r\n")?;
    server.write_all(&body)?;
    let mut reply = Vec::new();
    server.read_to_end(&mut reply)?;
    match fault {
        Fault::LoseAnswer => answer(&mut client, 503, ""),
        Fault::DropAnswer => client.shutdown(Shutdown::Both),
        Fault::CutAnswer => {
            client.write_all(&reply[..reply.len() - reply.len().min(1)])?;
            client.shutdown(Shutdown::Both)
        }
        _ => client.write_all(&reply),
    }
}

/// The header lines without `Connection` and one more, and the body's length.
fn read_head(reader: &mut impl BufRead, deaf_to: Option<&str>) -> std::io::Result<(String, usize)> {
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let lower = line.to_ascii_lowercase();
        if line.trim().is_empty() {
            return Ok((head, length));
        }
        if let Some(value) = lower.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or_default();
        }
        let name = lower.split(':').next().unwrap_or_default();
        if name != "connection" && Some(name) != deaf_to {
            head.push_str(&line);
        }
    }
}

fn answer(client: &mut TcpStream, status: u16, body: &str) -> std::io::Result<()> {
    let length = body.len();
    write!(
        client,
        "HTTP/1.1 {status} Fault\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
}
