//! A request that changes something: who asks, what they send, and the key that makes a retry harmless.

use std::fmt;
use std::marker::PhantomData;

use actix_web::dev::Payload;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::http::uri::PathAndQuery;
use actix_web::{FromRequest, HttpRequest};
use callnext_engine::CommandId;
use futures_util::StreamExt;
use futures_util::future::LocalBoxFuture;
use serde::Serialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, DeserializeOwned, Deserializer, MapAccess, Visitor};
use sha2::{Digest, Sha256};

use super::asker::Asker;
use super::error::ApiError;

/// Largest body, bytes: every request but the day's bookings is a handful of fields.
pub const BODY_BYTES_MAX: usize = 32 * 1024;
/// Largest body of a day's bookings, bytes: 20,000 of them.
pub const BOOKINGS_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Read and thrown away of a body that is too large, bytes, so that its sender hears why.
const DRAINED_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Longest idempotency key, bytes.
pub const KEY_BYTES_MAX: usize = 200;

/// A write with a JSON body. An absent body reads as `{}`.
pub struct Write<T> {
    /// Who asks.
    pub asker: Asker,
    /// What they send.
    pub body: T,
    wish: Wish,
}

/// A write with a body that the handler reads itself.
pub struct RawWrite {
    /// Who asks, and the key.
    pub write: Write<()>,
    /// What they send.
    pub bytes: Vec<u8>,
    /// What they say it is.
    pub content_type: String,
}

/// Something whose fields are told by name. By itself, a struct would also be read from an array, field by field.
pub struct ByName<T>(pub T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for ByName<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Fields<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Fields<T> {
            type Value = T;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<T, A::Error> {
                T::deserialize(MapAccessDeserializer::new(fields))
            }
        }

        from.deserialize_map(Fields(PhantomData)).map(Self)
    }
}

#[derive(Debug)]
struct Wish {
    key: Option<String>,
    fingerprint: u64,
}

impl<T> Write<T> {
    /// The name of this wish, told apart by who asks; none if it came without a key.
    pub fn command_id(&self, who: impl AsRef<str>) -> Option<CommandId> {
        let key = self.wish.key.as_ref()?;
        Some(CommandId { key: format!("{}|{key}", who.as_ref()).into(), fingerprint: self.wish.fingerprint })
    }
}

impl<T: Serialize> Write<T> {
    /// Tells the wish by what is left of the body, and by this: the journal must hold no digest of a secret that was
    /// taken out.
    pub fn told_by(&mut self, more: &str) {
        let left = serde_json::to_vec(&self.body).unwrap_or_default();
        self.wish.fingerprint = digest(&[more.as_bytes(), &left]);
    }
}

impl<T: DeserializeOwned + 'static> FromRequest for Write<T> {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let bytes = read(payload, BODY_BYTES_MAX).await?;
            let wish = wish(&request, &bytes)?;
            let content_type = content_type(&request);
            if !bytes.is_empty() && !content_type.is_empty() && !is_json(&content_type) {
                return Err(ApiError::BodyInvalid(format!("send application/json, not {content_type}")));
            }
            let text = if bytes.iter().all(u8::is_ascii_whitespace) { b"{}".as_slice() } else { &bytes };
            let ByName(body) =
                serde_json::from_slice(text).map_err(|error| ApiError::BodyInvalid(error.to_string()))?;
            let asker = Asker::extract(&request).await?;
            Ok(Self { asker, body, wish })
        })
    }
}

impl FromRequest for RawWrite {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let bytes = read(payload, BOOKINGS_BYTES_MAX).await?;
            let wish = wish(&request, &bytes)?;
            let asker = Asker::extract(&request).await?;
            Ok(Self { write: Write { asker, body: (), wish }, bytes, content_type: content_type(&request) })
        })
    }
}

async fn read(mut payload: Payload, most: usize) -> Result<Vec<u8>, ApiError> {
    let (mut bytes, mut length) = (Vec::new(), 0_usize);
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|error| ApiError::BodyInvalid(error.to_string()))?;
        length += chunk.len();
        if length <= most {
            bytes.extend_from_slice(&chunk);
        } else if length > DRAINED_BYTES_MAX {
            break;
        }
    }
    if length > most { Err(ApiError::BodyTooLarge(most)) } else { Ok(bytes) }
}

fn content_type(request: &HttpRequest) -> String {
    let value = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// Whether a content type is JSON.
pub fn is_json(content_type: &str) -> bool {
    content_type == "application/json" || content_type.ends_with("+json")
}

fn wish(request: &HttpRequest, body: &[u8]) -> Result<Wish, ApiError> {
    let key = match request.headers().get("Idempotency-Key") {
        None => None,
        Some(value) => {
            let key = value.to_str().map_err(|_| ApiError::KeyInvalid)?;
            if key.is_empty() || key.len() > KEY_BYTES_MAX {
                return Err(ApiError::KeyInvalid);
            }
            Some(key.to_owned())
        }
    };
    let method = request.method().as_str();
    let target = request.uri().path_and_query().map_or(request.path(), PathAndQuery::as_str);
    Ok(Wish { key, fingerprint: digest(&[method.as_bytes(), target.as_bytes(), body]) })
}

fn digest(parts: &[&[u8]]) -> u64 {
    let mut digest = Sha256::new();
    for (at, part) in parts.iter().enumerate() {
        if at > 0 {
            digest.update([0]);
        }
        digest.update(part);
    }
    let first: [u8; 8] = digest.finalize().first_chunk().copied().unwrap_or_default();
    u64::from_be_bytes(first)
}
