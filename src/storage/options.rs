//! What opens an object store besides its name: endpoint, region, credentials, patience.
//!
//! Holds the values; reading the environment is left to `cli`. Printing one shows names only.

use std::fmt;
use std::time::Duration;

use object_store::aws::AmazonS3ConfigKey;

/// Settings for [`Store::open`](super::Store::open). The default has none: public AWS endpoints,
/// credentials of the machine's role.
#[derive(Clone)]
pub struct StorageOptions {
    pub(super) aws: Vec<(AmazonS3ConfigKey, String)>,
    pub(super) retry_timeout: Duration,
    /// Stands in for every store.
    #[cfg(test)]
    pub(super) world: Option<std::sync::Arc<super::fake::World>>,
}

/// Long enough for a store's short illness, short enough for somebody who mistyped an endpoint;
/// well under the 5 minutes for which a request's signature holds.
const RETRY_TIMEOUT: Duration = Duration::from_secs(45);

impl Default for StorageOptions {
    fn default() -> Self {
        StorageOptions {
            aws: Vec::new(),
            retry_timeout: RETRY_TIMEOUT,
            #[cfg(test)]
            world: None,
        }
    }
}

impl StorageOptions {
    /// Takes the usual `AWS_*` names (`AWS_ACCESS_KEY_ID`, `AWS_ENDPOINT_URL`, ...) and passes over
    /// all others, so a whole environment may be given. An empty value counts as unset.
    pub fn from_pairs(pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        let aws = pairs
            .into_iter()
            .filter(|(name, value)| name.starts_with("AWS_") && !value.is_empty())
            .filter_map(|(name, value)| Some((name.to_ascii_lowercase().parse().ok()?, value)))
            .collect();
        StorageOptions { aws, ..StorageOptions::default() }
    }

    /// Every store is then a place of this world.
    #[cfg(test)]
    pub(crate) fn in_world(world: &std::sync::Arc<super::fake::World>) -> Self {
        StorageOptions { world: Some(std::sync::Arc::clone(world)), ..StorageOptions::default() }
    }

    /// For how long a request that fails for a passing reason is sent again; default 45 seconds.
    #[must_use]
    pub fn retry_for(self, retry_timeout: Duration) -> Self {
        StorageOptions { retry_timeout, ..self }
    }
}

impl fmt::Debug for StorageOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.aws.iter().map(|(key, _)| key.as_ref()).collect();
        f.debug_struct("StorageOptions")
            .field("set", &names)
            .field("retry_timeout", &self.retry_timeout)
            .finish()
    }
}
