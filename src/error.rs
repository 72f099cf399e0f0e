//! One error type for the whole program.
//!
//! An [`Error`] says what went wrong ([`ErrorKind`]), to what (`context`), and what to do about it
//! (`remedy`). The kind alone decides the exit code, in one `match`. Errors about files written by
//! people (pipelines, models) carry every [`Diagnostic`] at once, each with file, line and column.
//! Leaves out: rendering for terminals (`report`).

use std::fmt;

/// What sort of failure it is; closed on purpose, because exit codes are a public contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// A bug in the program.
    Internal,
    /// The command line, the pipeline or a model is wrong.
    Config,
    /// An audit with severity `fail` returned rows; nothing was published.
    Audit,
    /// The input was refused: too much quarantine, a missing object, a truncated stream.
    Input,
    /// Another run committed first.
    Conflict,
    /// Storage did not answer within the retry budget, or the disk is full.
    Transient,
    /// Some partitions were published and others failed (`--keep-going`).
    Partial,
    /// What is stored is not what the manifest says.
    Corrupt,
    /// Stopped by a signal; the number is the signal's.
    Interrupted(u8),
}

impl ErrorKind {
    /// The process exit code; part of the public contract.
    pub fn exit_code(self) -> u8 {
        match self {
            ErrorKind::Internal => 1,
            ErrorKind::Config => 2,
            ErrorKind::Audit => 3,
            ErrorKind::Input => 4,
            ErrorKind::Conflict => 5,
            ErrorKind::Transient => 6,
            ErrorKind::Partial => 7,
            ErrorKind::Corrupt => 8,
            ErrorKind::Interrupted(signal) => 128 + signal,
        }
    }
}

/// One finding in a file that a person wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// The file as the person named it.
    pub file: String,
    /// 1-based; 0 where the place is not known.
    pub line: usize,
    /// 1-based; 0 where the place is not known.
    pub column: usize,
    pub message: String,
    /// What to write instead.
    pub remedy: Option<String>,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file)?;
        if self.line > 0 {
            write!(f, ":{}:{}", self.line, self.column)?;
        }
        write!(f, ": {}", self.message)?;
        if let Some(remedy) = &self.remedy {
            write!(f, "\n    {remedy}")?;
        }
        Ok(())
    }
}

/// A failure with everything a person needs to act on it.
#[derive(Debug)]
pub struct Error {
    pub kind: ErrorKind,
    pub message: String,
    /// What it happened to: `("object", "logs/a.jsonl.gz")`.
    pub context: Vec<(&'static str, String)>,
    pub remedy: Option<String>,
    pub diagnostics: Vec<Diagnostic>,
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Error {
            kind,
            message: message.into(),
            context: Vec::new(),
            remedy: None,
            diagnostics: Vec::new(),
            source: None,
        }
    }

    /// A wrong pipeline, model or command line.
    pub fn config(message: impl Into<String>) -> Self {
        Error::new(ErrorKind::Config, message)
    }

    /// A bug: something the program itself promised does not hold.
    pub fn internal(message: impl Into<String>) -> Self {
        Error::new(ErrorKind::Internal, message)
    }

    /// Everything wrong in the files that a person wrote, at once.
    pub fn diagnosed(message: impl Into<String>, diagnostics: Vec<Diagnostic>) -> Self {
        Error { diagnostics, ..Error::config(message) }
    }

    #[must_use]
    pub fn context(mut self, key: &'static str, value: impl fmt::Display) -> Self {
        self.context.push((key, value.to_string()));
        self
    }

    #[must_use]
    pub fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.message)?;
        for (key, value) in &self.context {
            write!(f, "\n  {key}: {value}")?;
        }
        for diagnostic in &self.diagnostics {
            write!(f, "\n  {diagnostic}")?;
        }
        let mut cause = self.source.as_deref().map(|e| e as &dyn std::error::Error);
        while let Some(error) = cause {
            write!(f, "\n  because: {error}")?;
            cause = error.source();
        }
        if let Some(remedy) = &self.remedy {
            write!(f, "\n  try: {remedy}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

/// A local file operation that failed: full disks and timeouts may pass, the rest is configuration.
pub fn io_error(path: impl fmt::Display, error: std::io::Error) -> Error {
    use std::io::ErrorKind as Io;
    let kind = match error.kind() {
        Io::NotFound
        | Io::PermissionDenied
        | Io::NotADirectory
        | Io::IsADirectory
        | Io::ReadOnlyFilesystem => ErrorKind::Config,
        _ => ErrorKind::Transient,
    };
    let is_full = matches!(error.kind(), Io::StorageFull | Io::QuotaExceeded | Io::FileTooLarge);
    let told =
        Error::new(kind, "cannot read or write a local file").context("file", path).because(error);
    match is_full {
        true => told.remedy("make room there and run again; what was committed is kept"),
        false => told,
    }
}
