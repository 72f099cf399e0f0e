//! An S3 server (moto) on a free port of this machine.
//!
//! Promises: it answers when [`Moto::start`] returns, and it ends with its value, or with the test
//! process however that ends. A missing Python environment fails the test and names the script
//! that makes it. Leaves out: durability; what it stores is gone when it ends.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

/// Ends the server when its standard input closes, so that a killed test leaves none behind.
const SERVE: &str = "
import os, sys, threading
threading.Thread(target=lambda: (sys.stdin.buffer.read(), os._exit(0)), daemon=True).start()
from moto.server import main
main(sys.argv[1:])
";

/// The bucket that every server has from the start.
pub const BUCKET: &str = "chatkpi-test";

/// A running server.
pub struct Moto {
    server: Child,
    address: String,
}

impl Moto {
    /// Starts a server of the caller's own, with [`BUCKET`] in it.
    pub fn start() -> Moto {
        Moto::start_with(&[])
    }

    /// As [`Moto::start`], with settings for the server's environment.
    pub fn start_with(settings: &[(&str, &str)]) -> Moto {
        // The port may be taken between choosing and using it, so one failure is not the end.
        for _ in 0..3 {
            if let Some(moto) = launch(settings) {
                moto.create_bucket(BUCKET);
                return moto;
            }
        }
        panic!("moto does not start: run scripts/test-env.sh");
    }

    /// The server that tests share; each should use a bucket of its own.
    pub fn shared() -> &'static Moto {
        static SHARED: OnceLock<Moto> = OnceLock::new();
        // Short pages, so that every listing of a few objects has several.
        SHARED.get_or_init(|| Moto::start_with(&[("MOTO_S3_DEFAULT_MAX_KEYS", "3")]))
    }

    /// `host:port`.
    pub fn address(&self) -> &str {
        &self.address
    }

    pub fn create_bucket(&self, bucket: &str) {
        let (status, body) = request(&self.address, "PUT", &format!("/{bucket}"), b"");
        assert_eq!(status, 200, "cannot create bucket {bucket}: {body}");
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// The `AWS_*` settings for a plain server at `host:port`.
pub fn settings_for(address: &str) -> Vec<(String, String)> {
    let pairs = [
        ("AWS_ENDPOINT_URL", format!("http://{address}")),
        ("AWS_ALLOW_HTTP", "true".to_string()),
        ("AWS_ACCESS_KEY_ID", "test-key-id".to_string()),
        ("AWS_SECRET_ACCESS_KEY", "test-secret-canary".to_string()),
        ("AWS_REGION", "us-east-1".to_string()),
    ];
    pairs.into_iter().map(|(name, value)| (name.to_string(), value)).collect()
}

/// A port where nothing listens, as `host:port`.
pub fn free_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("a bound port").to_string()
}

/// One unsigned HTTP request; the answer's status and body.
pub fn request(address: &str, method: &str, path: &str, body: &[u8]) -> (u16, String) {
    let answer = try_request(address, method, path, body).expect("the server answers");
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
    let body = answer.split_once("\r\n\r\n").map(|(_, body)| body.to_string());
    (status.expect("a status line"), body.unwrap_or_default())
}

fn try_request(address: &str, method: &str, path: &str, body: &[u8]) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    let length = body.len();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nContent-Length: {length}\r\n\
         Connection: close\r\n\r\n"
    )?;
    stream.write_all(body)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// None where the server ended before it answered.
fn launch(settings: &[(&str, &str)]) -> Option<Moto> {
    let address = free_address();
    let (host, port) = address.split_once(':').expect("host:port");
    let server = Command::new(python())
        .args(["-c", SERVE, "-H", host, "-p", port])
        .envs(settings.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the Python of scripts/test-env.sh runs");
    let mut moto = Moto { server, address };
    for _ in 0..600 {
        if try_request(&moto.address, "GET", "/moto-api/", b"").is_ok_and(|a| a.contains(" 200 ")) {
            return Some(moto);
        }
        if moto.server.try_wait().is_ok_and(|ended| ended.is_some()) {
            return None;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    None
}

/// The Python that has moto: `CHATKPI_TEST_PYTHON`, else the repository's `.venv`.
pub fn python() -> PathBuf {
    let own = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.venv/bin/python"));
    let python = std::env::var_os("CHATKPI_TEST_PYTHON").map_or(own, PathBuf::from);
    assert!(
        python.exists(),
        "{} does not exist: run scripts/test-env.sh (or set CHATKPI_TEST_PYTHON)",
        python.display()
    );
    python
}
