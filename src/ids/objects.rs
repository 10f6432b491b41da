//! Git object ids (SHA-1) and content digests (SHA-256).

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use thiserror::Error;

/// Text that is not the id it should be.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{text}` is not {expected}")]
pub(crate) struct InvalidId {
    text: String,
    expected: &'static str,
}

/// The id of any git object: 40 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub(crate) struct ObjectId([u8; 20]);

impl ObjectId {
    /// The id whose twenty bytes these are.
    pub(crate) const fn from_bytes(bytes: [u8; 20]) -> Self {
        Self(bytes)
    }

    /// The twenty bytes, as a raw tree holds them.
    pub(crate) const fn as_bytes(&self) -> &[u8; 20] {
        &self.0
    }
}

impl FromStr for ObjectId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidId {
            text: text.chars().take(80).collect(),
            expected: "a full git object id (40 hexadecimal digits)",
        };
        let lower = text.to_ascii_lowercase();
        let mut bytes = [0; 20];
        hex::decode_to_slice(lower, &mut bytes).map_err(|_| invalid())?;
        if bytes == [0; 20] {
            return Err(invalid());
        }
        Ok(Self(bytes))
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl TryFrom<String> for ObjectId {
    type Error = InvalidId;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<ObjectId> for String {
    fn from(id: ObjectId) -> Self {
        id.to_string()
    }
}

/// Declares an object id whose kind is known, so that a tree cannot stand where a commit is meant.
macro_rules! kind_of_object {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(transparent)]
        pub(crate) struct $name(ObjectId);

        impl $name {
            /// Says that `id` names an object of this kind. The caller knows it.
            pub(crate) const fn new(id: ObjectId) -> Self {
                Self(id)
            }

            /// The id without its kind.
            pub(crate) const fn object(&self) -> ObjectId {
                self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
    };
}

kind_of_object! {
    /// A commit.
    CommitId
}
kind_of_object! {
    /// A tree.
    TreeId
}

impl CommitId {
    /// The first nine digits, as people quote it.
    pub(crate) fn short(&self) -> String {
        self.0.to_string()[..9].to_owned()
    }
}

/// A SHA-256 digest, written `sha256:<64 hexadecimal digits>`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub(crate) struct Digest([u8; 32]);

impl Digest {
    /// The digest of `bytes`.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The digest that a hasher has come to.
    pub(crate) fn finish(hasher: Sha256) -> Self {
        Self(hasher.finalize().into())
    }

    /// The 64 digits without the algorithm's name.
    pub(crate) fn hex(&self) -> String {
        hex::encode(self.0)
    }
}

impl FromStr for Digest {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut bytes = [0; 32];
        text.strip_prefix("sha256:")
            .filter(|digits| hex::decode_to_slice(digits, &mut bytes).is_ok())
            .map(|_| Self(bytes))
            .ok_or_else(|| InvalidId {
                text: text.chars().take(80).collect(),
                expected: "a digest (`sha256:` and 64 hexadecimal digits)",
            })
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{}", self.hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl TryFrom<String> for Digest {
    type Error = InvalidId;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        digest.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_full_id_that_names_something_is_an_id() {
        for text in [
            "",
            "abc",
            "0000000000000000000000000000000000000000",
            "g123456789012345678901234567890123456789",
        ] {
            assert!(text.parse::<CommitId>().is_err(), "{text:?}");
        }
        let id = "13595C36E218fcbd13df118eeadf00d4eb0e6d31".parse::<CommitId>().expect("a full id");
        assert_eq!(id.to_string(), "13595c36e218fcbd13df118eeadf00d4eb0e6d31");
        assert_eq!(id.short(), "13595c36e");
    }

    #[test]
    fn a_digest_survives_its_own_text() {
        let digest = Digest::of(b"patch");
        assert_eq!(digest.to_string().parse(), Ok(digest));
        assert!("sha256:12".parse::<Digest>().is_err());
    }
}
