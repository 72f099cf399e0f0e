//! What a store's error means, and what to tell the person who gets it.
//!
//! [`Failure::of`] is the one place that reads the client's errors, and [`explain`] the one that
//! turns them into ours. The client hides the status and S3's error code in its message, so both
//! are read from the text. Leaves out: errors of local file calls (`crate::error::io_error`).

use object_store::Error as StoreError;
use object_store::client::{HttpError, HttpErrorKind};

use crate::error::{Error, ErrorKind, io_error};

/// What to do where no credentials are set and the machine's role gives none.
pub(super) const CREDENTIALS_REMEDY: &str = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY \
     (profiles are not read: `aws configure export-credentials --format env` prints them), or run \
     where a role gives them";

/// In the URL of a failed request they tell a search for credentials from the request itself.
const METADATA_PATHS: [&str; 2] = ["/latest/api/token", "/latest/meta-data/"];

/// The failures that callers or people must tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Failure {
    /// No such object.
    Missing,
    /// No such bucket.
    NoBucket,
    /// Create-only write: the object is there, or another write to it is under way.
    Exists,
    /// The object is not the version that was asked for.
    Changed,
    /// A range that starts at or beyond the object's end.
    EmptyRange,
    /// The machine's metadata service has none for us.
    NoCredentials,
    /// The credentials are unknown, or may not do this.
    Denied,
    /// The credentials were good once.
    Expired,
    /// The request's time is too far from the server's.
    Clock,
    /// The bucket is in another region.
    Region,
    /// No connection: nothing was sent.
    Unreachable,
    /// A key that the store or the client cannot take.
    BadName,
    /// The store does not know the operation.
    Unsupported,
    /// Refused for a reason that another try does not cure.
    Refused,
    /// May pass, and the request may or may not have been carried out.
    Busy,
}

impl Failure {
    pub(super) fn of(error: &StoreError) -> Failure {
        let text = error.to_string();
        if METADATA_PATHS.iter().any(|path| text.contains(path)) {
            return Failure::NoCredentials;
        }
        if let Some(known) = code(&text).and_then(of_code) {
            return known;
        }
        match error {
            StoreError::NotFound { .. } => Failure::Missing,
            StoreError::AlreadyExists { .. } => Failure::Exists,
            StoreError::Precondition { .. } | StoreError::NotModified { .. } => Failure::Changed,
            StoreError::PermissionDenied { .. } | StoreError::Unauthenticated { .. } => {
                Failure::Denied
            }
            StoreError::InvalidPath { .. } => Failure::BadName,
            StoreError::NotSupported { .. } | StoreError::NotImplemented { .. } => {
                Failure::Unsupported
            }
            _ => of_transport(error, &text),
        }
    }

    fn kind(self) -> ErrorKind {
        match self {
            Failure::Missing => ErrorKind::Input,
            Failure::Exists | Failure::Changed => ErrorKind::Conflict,
            Failure::Expired | Failure::Unreachable | Failure::Busy => ErrorKind::Transient,
            Failure::NoBucket
            | Failure::NoCredentials
            | Failure::Denied
            | Failure::Clock
            | Failure::Region
            | Failure::BadName
            | Failure::Unsupported
            | Failure::EmptyRange
            | Failure::Refused => ErrorKind::Config,
        }
    }

    /// What happened, and what to do about it.
    fn advice(self) -> (&'static str, &'static str) {
        match self {
            Failure::Missing => {
                ("no such object", "see whether something else deletes objects, then run again")
            }
            Failure::NoBucket => ("no such bucket", "create the bucket or check its name"),
            Failure::Exists => ("the object exists already", "wait for the other run to end"),
            Failure::Changed => {
                ("the object is another version", "wait for its writer to end, then run again")
            }
            Failure::NoCredentials => ("no S3 credentials", CREDENTIALS_REMEDY),
            Failure::Denied => (
                "the store refuses the credentials",
                "check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN and what they \
                 may do in this bucket",
            ),
            Failure::Expired => ("the credentials have expired", "renew them, then run again"),
            Failure::Clock => {
                ("this machine's clock is too far from the store's", "set it, then run again")
            }
            Failure::Region => (
                "the bucket is not in this region",
                "set AWS_REGION to the bucket's region, or AWS_ENDPOINT_URL to its store",
            ),
            Failure::Unreachable => (
                "cannot reach the store",
                "check the network, AWS_ENDPOINT_URL and AWS_REGION, then run again",
            ),
            Failure::BadName => (
                "an object's name cannot be read",
                "rename it: no empty parts (`//`), no control characters, UTF-8 only",
            ),
            Failure::Unsupported => (
                "the store does not support what is needed",
                "use a store with conditional writes (If-None-Match)",
            ),
            Failure::EmptyRange | Failure::Refused => (
                "the store refuses the request",
                "check the bucket's name, AWS_REGION and AWS_ENDPOINT_URL",
            ),
            Failure::Busy => ("the store could not carry out the request", "run again later"),
        }
    }
}

/// Our error for the store's, naming the object.
pub(super) fn explain(url: &str, error: &StoreError) -> Error {
    if let Some(io) = local_cause(error) {
        return io_error(url, std::io::Error::new(io.kind(), io.to_string()));
    }
    if is_local(error) {
        return Error::config("cannot walk the folder")
            .context("folder", url)
            .remedy("look for symbolic links that lead in a circle")
            .because(cause(error));
    }
    let failure = Failure::of(error);
    let (message, remedy) = failure.advice();
    Error::new(failure.kind(), message).context("object", url).remedy(remedy).because(cause(error))
}

/// As [`explain`], for a read of one version: that it is gone is the input's fault.
pub(super) fn explain_read(url: &str, error: &StoreError) -> Error {
    match Failure::of(error) {
        Failure::Changed => changed_while_reading(url),
        _ => explain(url, error),
    }
}

/// The object that was being read is no longer what the listing said.
pub(super) fn changed_while_reading(url: &str) -> Error {
    Error::new(ErrorKind::Input, "the object changed after it was listed")
        .context("object", url)
        .remedy("logs must not be rewritten during a run: run again when their writer has finished")
}

/// What a store would answer for an object whose whole location does not exist.
pub(super) fn missing(key: &str) -> StoreError {
    StoreError::NotFound { path: key.to_string(), source: "the folder does not exist".into() }
}

fn of_code(code: &str) -> Option<Failure> {
    Some(match code {
        "NoSuchKey" => Failure::Missing,
        "NoSuchBucket" => Failure::NoBucket,
        "PreconditionFailed" | "ConditionalRequestConflict" => return None,
        "InvalidRange" => Failure::EmptyRange,
        "AccessDenied"
        | "AllAccessDisabled"
        | "AccountProblem"
        | "InvalidAccessKeyId"
        | "InvalidToken"
        | "InvalidClientTokenId"
        | "SignatureDoesNotMatch" => Failure::Denied,
        "ExpiredToken" | "ExpiredTokenException" | "TokenRefreshRequired" => Failure::Expired,
        "RequestTimeTooSkewed" => Failure::Clock,
        "PermanentRedirect" | "AuthorizationHeaderMalformed" | "TemporaryRedirect" => {
            Failure::Region
        }
        "NotImplemented" => Failure::Unsupported,
        _ => return None,
    })
}

fn of_transport(error: &StoreError, text: &str) -> Failure {
    if let Some(http) = chain(error).find_map(|cause| cause.downcast_ref::<HttpError>()) {
        return match http.kind() {
            HttpErrorKind::Connect => Failure::Unreachable,
            _ => Failure::Busy,
        };
    }
    if text.contains("redirect without LOCATION") {
        return Failure::Region;
    }
    match status(text) {
        Some(416) => Failure::EmptyRange,
        Some(501) => Failure::Unsupported,
        Some(300..=399) => Failure::Region,
        Some(408 | 429) => Failure::Busy,
        Some(400..=499) => Failure::Refused,
        _ => Failure::Busy,
    }
}

/// A failed file call, as the client reports it for local disk; network errors hold such causes
/// too, but below an [`HttpError`].
fn local_cause(error: &StoreError) -> Option<&std::io::Error> {
    let causes = || chain(error).find_map(|cause| cause.downcast_ref::<std::io::Error>());
    is_local(error).then(causes).flatten()
}

/// Whether the client's local side failed in a way that it has no better word for.
fn is_local(error: &StoreError) -> bool {
    matches!(error, StoreError::Generic { store: "LocalFileSystem", .. })
}

/// The innermost cause in one line: the layers above it only repeat it.
fn cause(error: &StoreError) -> String {
    let text = error.to_string();
    if let Some(code) = code(&text) {
        let message = between(&text, "<Message>", "</Message>").unwrap_or_default();
        return format!("{code}: {message}");
    }
    let innermost = chain(error).last().map(ToString::to_string).unwrap_or(text);
    let line = innermost.lines().next().unwrap_or_default().trim_end_matches([':', ' ']);
    line.chars().take(300).collect()
}

fn chain<'a>(
    error: &'a (dyn std::error::Error + 'static),
) -> impl Iterator<Item = &'a (dyn std::error::Error + 'static)> {
    std::iter::successors(Some(error), |cause| cause.source())
}

/// S3's own error code, from the body of its answer.
fn code(text: &str) -> Option<&str> {
    between(text, "<Code>", "</Code>")
}

fn status(text: &str) -> Option<u16> {
    let (_, rest) = text.split_once("status code: ")?;
    rest.get(..3)?.parse().ok()
}

fn between<'a>(text: &'a str, open: &str, close: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(open)?;
    rest.split_once(close).map(|(inner, _)| inner)
}
