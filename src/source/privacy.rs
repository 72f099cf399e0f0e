//! Pseudonyms: the only form in which a person's ids leave the decoder.
//!
//! A pseudonym is HMAC-SHA-256 of the id under the warehouse's key, with a purpose in front so that
//! a user and a conversation of the same name share nothing. Whatever else could give an id away to
//! someone who tries all phone numbers (hashes of whole records) is keyed as well.
//! Leaves out: where the key comes from.

use std::collections::HashMap;
use std::fmt;

use data_encoding::BASE32_NOPAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use xxhash_rust::xxh3::xxh3_128_with_secret;

use crate::error::{Error, Result};

/// The shortest key that is taken, in bytes.
pub const KEY_BYTES: usize = 32;

/// Distinct ids whose pseudonyms are remembered before the memory is emptied.
const REMEMBERED: usize = 1 << 18;

/// Bytes of secret that the fast hash asks for.
const SECRET_BYTES: usize = 192;

/// What a pseudonym is for; pseudonyms of two purposes cannot be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    User,
    Conversation,
    Lead,
    /// A raw record in the quarantine.
    Line,
}

/// Turns raw ids into pseudonyms; holds the key and never shows it.
#[derive(Clone)]
pub struct UserHasher {
    user: Hmac<Sha256>,
    conversation: Hmac<Sha256>,
    lead: Hmac<Sha256>,
    line: Hmac<Sha256>,
    ids: [u8; SECRET_BYTES],
    records: [u8; SECRET_BYTES],
    fingerprint: String,
}

impl UserHasher {
    /// A key under 32 bytes is a configuration error.
    pub fn new(key: &[u8]) -> Result<Self> {
        if key.len() < KEY_BYTES {
            let message = format!("the user key has {} bytes; it needs {KEY_BYTES}", key.len());
            return Err(Error::config(message).remedy("make one with: openssl rand -base64 32"));
        }
        let keyed = Hmac::<Sha256>::new_from_slice(key)
            .map_err(|e| Error::internal("the user key was refused").because(e))?;
        let purpose = |name: &str| keyed.clone().chain_update(format!("chatkpi/v1/{name}/"));
        Ok(UserHasher {
            user: purpose("user"),
            conversation: purpose("conversation"),
            lead: purpose("lead"),
            line: purpose("line"),
            ids: secret(&purpose("event")),
            records: secret(&purpose("record")),
            fingerprint: pseudonym(purpose("fingerprint")).as_str()[..16].to_owned(),
        })
    }

    /// 16 characters that tell keys apart and give nothing away about them.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// The `user_key` of a raw user id: 26 characters of lower-case base32. Whole numbers are given
    /// as their digits.
    pub fn user_key(&self, id: &str) -> String {
        self.pseudonym(Purpose::User, id.as_bytes()).as_str().to_owned()
    }

    pub(super) fn pseudonym(&self, purpose: Purpose, id: &[u8]) -> Pseudonym {
        let keyed = match purpose {
            Purpose::User => &self.user,
            Purpose::Conversation => &self.conversation,
            Purpose::Lead => &self.lead,
            Purpose::Line => &self.line,
        };
        pseudonym(keyed.clone().chain_update(id))
    }

    /// What makes two records with the same id duplicates.
    pub(super) fn id_hash(&self, id: &str) -> u128 {
        xxh3_128_with_secret(id.as_bytes(), &self.ids)
    }

    /// What makes two records without an id duplicates: their bytes, and the element's position.
    pub(super) fn record_hash(&self, record: &[u8], element: i64) -> u128 {
        let hash = xxh3_128_with_secret(record, &self.records);
        if element == 0 {
            return hash;
        }
        let mut part = [0; 24];
        part[..16].copy_from_slice(&hash.to_le_bytes());
        part[16..].copy_from_slice(&element.to_le_bytes());
        xxh3_128_with_secret(&part, &self.records)
    }
}

impl fmt::Debug for UserHasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserHasher").field("fingerprint", &self.fingerprint).finish_non_exhaustive()
    }
}

/// 128 bits in 26 characters of lower-case base32.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pseudonym([u8; 26]);

impl Pseudonym {
    #[allow(clippy::expect_used, reason = "the bytes come from an encoder of ASCII")]
    pub(super) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("base32 is ASCII")
    }
}

/// Remembers the pseudonyms of one purpose: most events repeat an id seen a moment ago.
pub(super) struct Pseudonyms {
    purpose: Purpose,
    last: Option<(String, Pseudonym)>,
    known: HashMap<Box<str>, Pseudonym>,
}

impl Pseudonyms {
    pub(super) fn new(purpose: Purpose) -> Self {
        Pseudonyms { purpose, last: None, known: HashMap::new() }
    }

    pub(super) fn of(&mut self, hasher: &UserHasher, id: &str) -> Pseudonym {
        if let Some((last, pseudonym)) = &self.last
            && last == id
        {
            return *pseudonym;
        }
        let pseudonym = match self.known.get(id) {
            Some(known) => *known,
            None => {
                if self.known.len() >= REMEMBERED {
                    self.known.clear();
                }
                let new = hasher.pseudonym(self.purpose, id.as_bytes());
                self.known.insert(id.into(), new);
                new
            }
        };
        let last = self.last.get_or_insert_with(|| (String::new(), pseudonym));
        last.0.clear();
        last.0.push_str(id);
        last.1 = pseudonym;
        pseudonym
    }
}

fn pseudonym(keyed: Hmac<Sha256>) -> Pseudonym {
    let hash = keyed.finalize().into_bytes();
    let mut text = [0; 26];
    BASE32_NOPAD.encode_mut(&hash[..16], &mut text);
    text.make_ascii_lowercase();
    Pseudonym(text)
}

fn secret(keyed: &Hmac<Sha256>) -> [u8; SECRET_BYTES] {
    let mut secret = [0; SECRET_BYTES];
    for (n, part) in (0_u8..).zip(secret.chunks_mut(32)) {
        part.copy_from_slice(&keyed.clone().chain_update([n]).finalize().into_bytes());
    }
    secret
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hasher(key: u8) -> UserHasher {
        UserHasher::new(&[key; 32]).unwrap()
    }

    #[test]
    fn known_answer() {
        // printf 'chatkpi/v1/user/1' | openssl dgst -sha256 -mac HMAC -macopt hexkey:0707..07
        let key = hasher(7).user_key("1");
        assert_eq!(key.len(), 26);
        assert_eq!(key, "i3bqhzm3obbctddx74n6r5xrki");
    }

    #[test]
    fn purposes_and_keys_share_nothing() {
        let (a, b) = (hasher(1), hasher(2));
        assert_ne!(a.user_key("x"), b.user_key("x"));
        assert_ne!(a.fingerprint(), b.fingerprint());
        assert_ne!(a.user_key("x"), a.pseudonym(Purpose::Conversation, b"x").as_str());
        assert_ne!(a.record_hash(b"x", 0), b.record_hash(b"x", 0));
        assert_ne!(a.record_hash(b"x", 0), a.record_hash(b"x", 1));
        assert_ne!(a.record_hash(b"x", 0), a.id_hash("x"));
        assert_eq!(a.fingerprint(), hasher(1).fingerprint());
    }

    #[test]
    fn the_memory_changes_nothing() {
        let hasher = hasher(3);
        let mut memory = Pseudonyms::new(Purpose::User);
        for id in ["a", "b", "a", "a", "b"] {
            assert_eq!(memory.of(&hasher, id).as_str(), hasher.user_key(id));
        }
    }

    #[test]
    fn short_keys_are_refused_and_keys_are_never_shown() {
        assert!(UserHasher::new(&[1; 31]).is_err());
        let shown = format!("{:?}", UserHasher::new(b"abcdefghijklmnopqrstuvwxyz012345").unwrap());
        assert!(!shown.contains("abcdef"), "{shown}");
    }
}
