//! Who may come in: the token, the host that was asked for, and the page the request comes from.
//!
//! A page of another site can make a browser talk to loopback. It cannot forge `Origin`, and where it re-points its own
//! name at loopback, `Host` still carries that name: both are checked on every request.

use axum::http::header::{AUTHORIZATION, HOST, ORIGIN};
use axum::http::{HeaderMap, HeaderName, StatusCode};

/// Checks requests.
pub(crate) struct Guard {
    token: Option<String>,
}

/// Why a request is turned away: the status and one sentence.
pub(crate) type Refusal = (StatusCode, &'static str);

impl Guard {
    pub(crate) fn new(token: Option<String>) -> Self {
        Self { token }
    }

    /// The host must be a loopback name unless there is a token, and the origin, if any, must be that host.
    pub(crate) fn check_origin(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let host = text(headers, HOST).unwrap_or_default();
        if self.token.is_none() && !is_loopback(host) {
            return Err((StatusCode::FORBIDDEN, "expected a loopback host such as `127.0.0.1`\n"));
        }
        let Some(origin) = text(headers, ORIGIN) else { return Ok(()) };
        let from = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
        let same = from.is_some_and(|from| {
            from.eq_ignore_ascii_case(host)
                || (is_loopback(from) && is_loopback(host) && split(from).1 == split(host).1)
        });
        if same { Ok(()) } else { Err((StatusCode::FORBIDDEN, "expected a page of this server as origin\n")) }
    }

    /// The token, if one is demanded, must be in the query or the `authorization` header.
    pub(crate) fn check_token(&self, query: Option<&str>, headers: &HeaderMap) -> Result<(), Refusal> {
        let Some(token) = &self.token else { return Ok(()) };
        let bearer = text(headers, AUTHORIZATION).and_then(|h| {
            let (scheme, given) = h.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then_some(given.trim())
        });
        match query.or(bearer) {
            Some(given) if equal(given.as_bytes(), token.as_bytes()) => Ok(()),
            Some(_) => Err((StatusCode::UNAUTHORIZED, "wrong token\n")),
            None => {
                Err((StatusCode::UNAUTHORIZED, "expected a token: `?token=...` or `authorization: bearer`\n"))
            }
        }
    }
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

/// Host and port of `host:port`; the host of `[::1]:80` keeps its brackets.
fn split(authority: &str) -> (&str, &str) {
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => (host, port),
        _ => (authority, ""),
    }
}

fn is_loopback(authority: &str) -> bool {
    let host = split(authority).0;
    let bare = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
    host.eq_ignore_ascii_case("localhost")
        || bare.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Compares in a time that depends on the lengths alone.
fn equal(a: &[u8], b: &[u8]) -> bool {
    let differ = a.iter().zip(b).fold(0u8, |all, (x, y)| std::hint::black_box(all | (x ^ y)));
    a.len() == b.len() && differ == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(HeaderName, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect()
    }

    fn allowed(token: Option<&str>, host: &str, origin: Option<&str>) -> bool {
        let mut all = headers(&[(HOST, host)]);
        if let Some(origin) = origin {
            all.insert(ORIGIN, origin.parse().unwrap());
        }
        Guard::new(token.map(Into::into)).check_origin(&all).is_ok()
    }

    #[test]
    fn only_pages_of_this_server_may_connect() {
        assert!(allowed(None, "127.0.0.1:7860", None));
        assert!(allowed(None, "localhost:7860", Some("http://localhost:7860")));
        assert!(allowed(None, "localhost:7860", Some("http://127.0.0.1:7860")));
        assert!(allowed(None, "[::1]:7860", Some("http://[::1]:7860")));
        assert!(!allowed(None, "localhost:7860", Some("http://localhost:8000")));
        assert!(!allowed(None, "localhost:7860", Some("https://evil.example")));
        assert!(!allowed(None, "localhost:7860", Some("null")));
        assert!(!allowed(None, "127.0.0.1.evil.example:7860", None));
    }

    #[test]
    fn a_name_pointed_at_loopback_is_refused_unless_there_is_a_token() {
        assert!(!allowed(None, "evil.example:7860", Some("http://evil.example:7860")));
        assert!(allowed(Some("a-long-token"), "box.lan:7860", Some("http://box.lan:7860")));
        assert!(!allowed(Some("a-long-token"), "box.lan:7860", Some("http://evil.example:7860")));
    }

    #[test]
    fn the_token_is_taken_from_the_query_or_the_header_and_must_be_whole() {
        let guard = Guard::new(Some("a-long-token".into()));
        let none = HeaderMap::new();
        assert!(guard.check_token(Some("a-long-token"), &none).is_ok());
        assert!(guard.check_token(None, &headers(&[(AUTHORIZATION, "Bearer a-long-token")])).is_ok());
        for wrong in ["", "a-long-toke", "a-long-token-", "A-long-token"] {
            assert!(guard.check_token(Some(wrong), &none).is_err(), "{wrong}");
        }
        assert!(guard.check_token(None, &none).is_err());
        assert!(Guard::new(None).check_token(None, &none).is_ok());
    }
}
