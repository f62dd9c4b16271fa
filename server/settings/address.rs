//! Addresses in settings: where people reach the server, and whose pages may use it.

use actix_web::http::Uri;
use serde::{Deserialize, Serialize};

/// An address of this server as people reach it: `https://queue.example.org`, perhaps with a path; no `/` at the end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct PublicUrl(String);

impl PublicUrl {
    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for PublicUrl {
    type Error = NotAnAddress;
    fn try_from(text: String) -> Result<Self, NotAnAddress> {
        let trimmed = text.trim_end_matches('/');
        let good = web_address(trimmed).is_some_and(|uri| uri.query().is_none()) && !trimmed.contains('#');
        if good {
            Ok(Self(trimmed.to_owned()))
        } else {
            Err(NotAnAddress { text, example: "https://queue.example.org" })
        }
    }
}

/// Scheme, host and port, as a browser names where a page came from: `https://desk.example.org:8443`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Origin(String);

impl Origin {
    /// The origin, in lower case as browsers send it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Origin {
    type Error = NotAnAddress;
    fn try_from(text: String) -> Result<Self, NotAnAddress> {
        let bare = web_address(&text).is_some_and(|uri| uri.path() == "/" && uri.query().is_none());
        if bare && !text.ends_with('/') && !text.contains('#') {
            Ok(Self(text.to_ascii_lowercase()))
        } else {
            Err(NotAnAddress { text, example: "https://desk.example.org" })
        }
    }
}

/// An absolute address of the web that names a host and nobody's password.
fn web_address(text: &str) -> Option<Uri> {
    let uri: Uri = text.parse().ok()?;
    let web = matches!(uri.scheme_str(), Some("http" | "https"));
    let host = uri.authority().is_some_and(|at| !at.host().is_empty() && !at.as_str().contains('@'));
    (web && host).then_some(uri)
}

/// A text that should have been an address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{}\" is not an address like \"{example}\"", text.escape_debug())]
pub struct NotAnAddress {
    text: String,
    example: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_address_may_have_a_path_and_loses_its_last_slash() {
        for (written, kept) in [
            ("https://queue.example.org", "https://queue.example.org"),
            ("http://10.0.0.7:8080/", "http://10.0.0.7:8080"),
            ("https://example.org/queue/", "https://example.org/queue"),
        ] {
            assert_eq!(PublicUrl::try_from(written.to_owned()).unwrap().as_str(), kept);
        }
    }

    #[test]
    fn an_origin_is_scheme_host_and_port_alone() {
        for (written, kept) in
            [("https://Desk.Example.org", "https://desk.example.org"), ("http://10.0.0.7:81", "http://10.0.0.7:81")]
        {
            assert_eq!(Origin::try_from(written.to_owned()).unwrap().as_str(), kept);
        }
        for bad in ["https://a.org/", "https://a.org/x", "https://a.org?x", "https://a.org#x"] {
            assert!(Origin::try_from(bad.to_owned()).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_no_address_of_the_web_is_refused_with_an_example() {
        for bad in
            ["", "*", "null", "queue.example.org", "/queue", "ftp://a.org", "https://", "https://me:pw@a.org", "a b"]
        {
            assert!(Origin::try_from(bad.to_owned()).is_err(), "{bad}");
            let refused = PublicUrl::try_from(bad.to_owned()).unwrap_err();
            assert!(refused.to_string().contains("https://queue.example.org"), "{refused}");
        }
        assert!(PublicUrl::try_from("https://a.org/?x=1".to_owned()).is_err());
        assert!(PublicUrl::try_from("https://a.org/#x".to_owned()).is_err());
    }
}
