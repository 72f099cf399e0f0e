//! A bucket, or a prefix of one, as a store.
//!
//! Every request is signed, tried again for a bounded time, and bounded itself. Leaves out:
//! creating buckets, versions, and profiles of the AWS command line.

use std::fs::File;
use std::io::Read;
use std::net::{TcpStream, ToSocketAddrs};
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use object_store::aws::{AmazonS3, AmazonS3Builder, AmazonS3ConfigKey, S3ConditionalPut};
use object_store::client::ClientConfigKey;
use object_store::list::{PaginatedListOptions, PaginatedListStore};
use object_store::path::Path as ObjectPath;
use object_store::{
    BackoffConfig, ClientOptions, GetOptions, GetResult, ObjectStore, ObjectStoreExt, PutMode,
    PutPayload, RetryConfig, UpdateVersion, WriteMultipart,
};

use super::failure::{self, Failure};
use super::{Attempt, Object, StorageOptions, block_on, parse_key};
use crate::error::{Error, Result, io_error};

/// Above this an object goes up in parts.
const SINGLE_PUT: u64 = 64 << 20;
/// 10,000 parts are the most that S3 takes, which makes 160 GiB.
const PART: usize = 16 << 20;
const PARTS_AT_ONCE: usize = 4;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// For one request with its body: [`SINGLE_PUT`] passes at half a MiB a second.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(120);
const METADATA_ENDPOINT: &str = "http://169.254.169.254";

pub(super) struct Bucket {
    client: AmazonS3,
    name: String,
    /// Without a slash at either end; may be empty.
    prefix: String,
}

impl Bucket {
    pub(super) fn open(name: &str, prefix: &str, options: &StorageOptions) -> Result<Bucket> {
        let builder = configure(name, options);
        check_endpoint(&builder)?;
        check_credentials(&builder)?;
        let client = builder.build().map_err(|error| {
            Error::config("the S3 settings cannot work")
                .context("bucket", name)
                .remedy("check the AWS_* variables")
                .because(error)
        })?;
        let prefix = prefix.trim_matches('/').to_string();
        if !prefix.is_empty() {
            parse_key(&prefix)?;
        }
        Ok(Bucket { client, name: name.to_string(), prefix })
    }

    pub(super) fn client(&self) -> &AmazonS3 {
        &self.client
    }

    pub(super) fn url(&self, key: &str) -> String {
        format!("s3://{}/{}", self.name, self.full(key))
    }

    pub(super) fn path(&self, key: &str) -> Result<ObjectPath> {
        parse_key(key)?;
        parse_key(&self.full(key))
    }

    pub(super) fn list(&self, prefix: &str) -> Result<Vec<Object>> {
        let base = self.full("");
        let full = self.full(prefix);
        let mut objects = Vec::new();
        let mut page_token = None;
        loop {
            let options = PaginatedListOptions { page_token, ..PaginatedListOptions::default() };
            let wanted = (!full.is_empty()).then_some(full.as_str());
            let page = block_on(self.client.list_paginated(wanted, options))?
                .map_err(|error| failure::explain(&self.url(prefix), &error))?;
            for meta in page.result.objects {
                // The client drops the slash that ends a console's "folder" objects, which hold
                // nothing; what is then no longer below our prefix was such a one.
                let Some(key) = meta.location.as_ref().strip_prefix(&base) else { continue };
                if key.is_empty() || !key.starts_with(prefix) {
                    continue;
                }
                objects.push(Object {
                    key: key.to_string(),
                    size: meta.size,
                    etag: meta.e_tag.unwrap_or_default(),
                    modified_us: meta.last_modified.timestamp_micros(),
                });
            }
            page_token = page.page_token;
            if page_token.is_none() {
                break;
            }
        }
        Ok(without_folder_markers(objects))
    }

    pub(super) fn get(
        &self,
        key: &str,
        options: GetOptions,
    ) -> Result<object_store::Result<GetResult>> {
        block_on(self.client.get_opts(&self.path(key)?, options))
    }

    pub(super) fn create(&self, key: &str, bytes: &Bytes) -> Result<Attempt> {
        self.put_if(key, bytes, PutMode::Create)
    }

    pub(super) fn replace(&self, key: &str, bytes: &Bytes, etag: &str) -> Result<Attempt> {
        let version = UpdateVersion { e_tag: Some(etag.to_owned()), version: None };
        self.put_if(key, bytes, PutMode::Update(version))
    }

    /// One request whatever the size: the parts of a large upload cannot be put together under a
    /// condition.
    fn put_if(&self, key: &str, bytes: &Bytes, mode: PutMode) -> Result<Attempt> {
        let path = self.path(key)?;
        let payload = PutPayload::from_bytes(bytes.clone());
        match block_on(self.client.put_opts(&path, payload, mode.into()))? {
            Ok(_) => Ok(Attempt::Done),
            Err(error) => {
                let explained = failure::explain(&self.url(key), &error);
                match Failure::of(&error) {
                    Failure::Exists | Failure::Changed => Ok(Attempt::Unsure(None)),
                    Failure::Busy => Ok(Attempt::Unsure(Some(explained))),
                    _ => Err(explained),
                }
            }
        }
    }

    pub(super) fn put(&self, key: &str, bytes: Bytes) -> Result<()> {
        if bytes.len() as u64 > SINGLE_PUT {
            return self.put_parts(key, &mut bytes.as_ref(), "memory");
        }
        let path = self.path(key)?;
        self.done(key, block_on(self.client.put(&path, PutPayload::from_bytes(bytes)))?)
    }

    pub(super) fn put_file(&self, key: &str, from: &Path) -> Result<()> {
        let name = from.display().to_string();
        let failed = |error| io_error(&name, error);
        let mut file = File::open(from).map_err(failed)?;
        if file.metadata().map_err(failed)?.len() > SINGLE_PUT {
            return self.put_parts(key, &mut file, &name);
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(failed)?;
        self.put(key, bytes.into())
    }

    pub(super) fn delete(&self, key: &str) -> Result<()> {
        let path = self.path(key)?;
        match block_on(self.client.delete(&path))? {
            Err(error) if Failure::of(&error) == Failure::Missing => Ok(()),
            result => self.done(key, result),
        }
    }

    fn full(&self, key: &str) -> String {
        match self.prefix.as_str() {
            "" => key.to_string(),
            prefix => format!("{prefix}/{key}"),
        }
    }

    fn done<T>(&self, key: &str, result: object_store::Result<T>) -> Result<()> {
        result.map(drop).map_err(|error| failure::explain(&self.url(key), &error))
    }

    /// Uploads in parts; the object appears when the last of them is in, and a failure takes the
    /// parts back, because S3 keeps (and bills) abandoned ones.
    fn put_parts(&self, key: &str, from: &mut dyn Read, name: &str) -> Result<()> {
        let path = self.path(key)?;
        let url = self.url(key);
        let upload = block_on(self.client.put_multipart(&path))?
            .map_err(|error| failure::explain(&url, &error))?;
        let mut upload = WriteMultipart::new_with_chunk_size(upload, PART);
        if let Err(error) = send_parts(&mut upload, from, name, &url) {
            // The first failure is the one to report.
            let _ = block_on(upload.abort());
            return Err(error);
        }
        self.done(key, block_on(upload.finish())?)
    }
}

fn send_parts(
    upload: &mut WriteMultipart,
    from: &mut dyn Read,
    name: &str,
    url: &str,
) -> Result<()> {
    loop {
        let mut part = Vec::new();
        let mut next = (&mut *from).take(PART as u64);
        if next.read_to_end(&mut part).map_err(|error| io_error(name, error))? == 0 {
            return Ok(());
        }
        block_on(async {
            upload.wait_for_capacity(PARTS_AT_ONCE).await?;
            // Parts start as tasks, which only exist inside the runtime.
            upload.put(part.into());
            Ok(())
        })?
        .map_err(|error| failure::explain(url, &error))?;
    }
}

/// Consoles mark a folder by an empty object of its name and a slash, which the client strips:
/// an empty "file" that has objects below it is one.
fn without_folder_markers(mut objects: Vec<Object>) -> Vec<Object> {
    let folders: std::collections::BTreeSet<String> = objects
        .iter()
        .flat_map(|object| {
            object.key.match_indices('/').map(|(at, _)| object.key[..at].to_string())
        })
        .collect();
    objects.retain(|object| object.size > 0 || !folders.contains(&object.key));
    objects
}

fn configure(bucket: &str, options: &StorageOptions) -> AmazonS3Builder {
    let http =
        ClientOptions::new().with_connect_timeout(CONNECT_TIMEOUT).with_timeout(REQUEST_TIMEOUT);
    // First, as the settings may hold better ones.
    let builder = AmazonS3Builder::new().with_client_options(http);
    options
        .aws
        .iter()
        .fold(builder, |builder, (key, value)| builder.with_config(*key, value))
        .with_bucket_name(bucket)
        // Publishing stands on it; not for the environment to switch off.
        .with_conditional_put(S3ConditionalPut::ETagMatch)
        // One key at a time, as not every store knows the bulk call.
        .with_disable_bulk_delete(true)
        .with_retry(RetryConfig {
            backoff: BackoffConfig {
                init_backoff: Duration::from_millis(250),
                max_backoff: Duration::from_secs(5),
                base: 3.0,
            },
            // The time is the limit, not the number.
            max_retries: 100,
            retry_timeout: options.retry_timeout,
        })
}

fn allows_http(builder: &AmazonS3Builder) -> bool {
    let key = AmazonS3ConfigKey::Client(ClientConfigKey::AllowHttp);
    let value = builder.get_config_value(&key).unwrap_or_default();
    matches!(value.to_ascii_lowercase().as_str(), "true" | "1" | "yes" | "on" | "y")
}

/// An endpoint's mistakes are told before the first request, because the client's own words for
/// them are about URLs and builders.
fn check_endpoint(builder: &AmazonS3Builder) -> Result<()> {
    let endpoint = builder
        .get_config_value(&AmazonS3ConfigKey::S3Endpoint)
        .or_else(|| builder.get_config_value(&AmazonS3ConfigKey::Endpoint));
    let Some(endpoint) = endpoint else { return Ok(()) };
    let url = url::Url::parse(&endpoint).map_err(|error| {
        Error::config("AWS_ENDPOINT_URL is not a URL")
            .remedy("write it as https://host:port")
            .because(error)
    })?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Error::config("AWS_ENDPOINT_URL holds a user name or a password")
            .remedy("give them as AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"));
    }
    match url.scheme() {
        "https" => Ok(()),
        "http" if allows_http(builder) => Ok(()),
        "http" => Err(Error::config("AWS_ENDPOINT_URL is plain http")
            .context("endpoint", &endpoint)
            .remedy("use https, or set AWS_ALLOW_HTTP=true")),
        _ => Err(Error::config("AWS_ENDPOINT_URL is neither http nor https")
            .remedy("write it as https://host:port")),
    }
}

/// Without any setting the client asks the machine's metadata service, which away from AWS means
/// a long silence and then an obscure message. Knocking first makes it a short and clear one.
fn check_credentials(builder: &AmazonS3Builder) -> Result<()> {
    use AmazonS3ConfigKey as Key;
    let ways = [
        Key::AccessKeyId,
        Key::SecretAccessKey,
        Key::WebIdentityTokenFile,
        Key::ContainerCredentialsRelativeUri,
        Key::ContainerCredentialsFullUri,
    ];
    let unsigned = builder.get_config_value(&Key::SkipSignature).is_some_and(|v| v != "false");
    if unsigned || ways.iter().any(|key| builder.get_config_value(key).is_some()) {
        return Ok(());
    }
    let endpoint = builder.get_config_value(&Key::MetadataEndpoint);
    let endpoint = endpoint.unwrap_or_else(|| METADATA_ENDPOINT.to_string());
    if answers(&endpoint) {
        return Ok(());
    }
    Err(Error::config("no S3 credentials").remedy(failure::CREDENTIALS_REMEDY))
}

fn answers(endpoint: &str) -> bool {
    let Ok(url) = url::Url::parse(endpoint) else { return false };
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_string();
    let addresses = (host, url.port_or_known_default().unwrap_or(80)).to_socket_addrs();
    addresses.is_ok_and(|mut addresses| {
        addresses.any(|to| TcpStream::connect_timeout(&to, Duration::from_secs(1)).is_ok())
    })
}
