//! Who is answered: the pages that this server served to who has its address, and nobody else.
//!
//! Another user of this machine finds the port, and not the token in the address. A page from elsewhere
//! can make a browser send requests to this machine. It cannot choose their `Origin` and
//! `Sec-Fetch-Site`, and if it has its own name point here (DNS rebinding), their `Host` is that name.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use subtle::ConstantTimeEq;

use super::SOCKET;

/// Nothing from elsewhere, nothing inline.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
                      img-src 'self' data: blob:; connect-src 'self'; base-uri 'none'; \
                      form-action 'none'; frame-ancestors 'none'";
/// How browsers say what sort of page asks.
const SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

const ELSEWHERE: &str = "this server answers only the page it served on this machine";
const STRANGER: &str = "open the address that klfit printed: no other is answered";

/// Refuses requests that did not come from a page of this server.
pub(super) async fn guard(
    State(guard): State<Arc<Guard>>,
    request: Request<Body>,
    next: Next,
) -> Response {
    let mut response = match guard.check(request.uri(), request.headers()) {
        Ok(()) => next.run(request).await,
        Err(why) => refusal(why),
    };
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// What is not allowed, and why.
pub(super) fn refusal(why: &'static str) -> Response {
    (StatusCode::FORBIDDEN, why).into_response()
}

/// What requests are held against.
pub(super) struct Guard {
    hosts: [String; 2],
    token: String,
}

impl Guard {
    pub(super) fn new(port: u16, token: String) -> Self {
        Self {
            hosts: ["127.0.0.1", "localhost"].map(|host| format!("{host}:{port}")),
            token,
        }
    }

    /// Why a request is refused, if it is.
    fn check(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), &'static str> {
        let is_host = |host: &str| self.hosts.iter().any(|ours| ours == host);
        let token = uri.path().strip_prefix('/').unwrap_or_default();
        let (token, path) = token.split_at(token.find('/').unwrap_or(token.len()));
        let is_ours = once(headers, header::HOST)?.is_some_and(is_host)
            // A request line may name a host too.
            && uri.authority().is_none_or(|host| is_host(host.as_str()))
            // Without an origin it is no page that asks.
            && once(headers, header::ORIGIN)?
                .is_none_or(|origin| origin.strip_prefix("http://").is_some_and(is_host))
            // Not every browser says it. "none" is an address that was typed, which no socket is.
            && once(headers, SITE)?
                .is_none_or(|site| site == "same-origin" || site == "none" && path != SOCKET);
        if !is_ours {
            return Err(ELSEWHERE);
        }
        match token.as_bytes().ct_eq(self.token.as_bytes()).into() {
            true => Ok(()),
            false => Err(STRANGER),
        }
    }
}

/// The text of a header, if it is there; a second one could be what somebody else goes by.
fn once(headers: &HeaderMap, name: HeaderName) -> Result<Option<&str>, &'static str> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value.to_str().map(Some).map_err(|_| ELSEWHERE),
        (Some(_), Some(_)) => Err(ELSEWHERE),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: (&str, &str) = ("host", "127.0.0.1:8000");

    fn check(target: &str, headers: &[(&'static str, &str)]) -> Result<(), &'static str> {
        let mut map = HeaderMap::new();
        for &(name, value) in headers {
            map.append(name, value.parse().unwrap());
        }
        Guard::new(8000, "secret".to_owned()).check(&target.parse().unwrap(), &map)
    }

    #[test]
    fn only_this_host_and_origin_are_ours() {
        let ask = |headers: &[(&'static str, &str)]| check("/secret/", headers).is_ok();
        assert!(ask(&[HOST]));
        assert!(ask(&[
            ("host", "localhost:8000"),
            ("origin", "http://localhost:8000")
        ]));
        for headers in [
            &[][..],
            &[("host", "127.0.0.1:8001")],
            &[("host", "127.0.0.1")],
            &[HOST, HOST],
            &[HOST, ("host", "evil.example")],
            &[
                ("host", "evil.example:8000"),
                ("origin", "http://evil.example:8000"),
            ],
        ] {
            assert!(!ask(headers), "{headers:?}");
        }
        let ours = "http://127.0.0.1:8000";
        for origins in [
            &["http://evil.example"][..],
            &["null"],
            &[""],
            &["https://127.0.0.1:8000"],
            &["127.0.0.1:8000"],
            &["\u{ff}"],
            &[ours, ours],
            &[ours, "http://evil.example"],
        ] {
            let mut headers = vec![HOST];
            headers.extend(origins.iter().map(|&origin| ("origin", origin)));
            assert!(!ask(&headers), "{headers:?}");
        }
    }

    #[test]
    fn a_request_line_names_no_other_host() {
        let ask = |target: &str| check(target, &[HOST]).is_ok();
        assert!(ask("http://127.0.0.1:8000/secret/"));
        for target in [
            "http://evil.example/secret/",
            "http://127.0.0.1/secret/",
            "http://evil.example@127.0.0.1:8000/secret/",
            "127.0.0.1:8000",
            "*",
        ] {
            assert!(!ask(target), "{target}");
        }
    }

    #[test]
    fn browsers_say_what_sort_of_page_asks() {
        let ask = |path, site| check(path, &[HOST, ("sec-fetch-site", site)]).is_ok();
        for path in ["/secret/", "/secret/app.js", "/secret/socket"] {
            assert!(ask(path, "same-origin"));
            assert_eq!(ask(path, "none"), path != "/secret/socket");
            for site in ["same-site", "cross-site", "", "whatever"] {
                assert!(!ask(path, site), "{path} {site}");
            }
        }
    }

    #[test]
    fn nothing_is_known_without_the_token() {
        for path in ["/secret/", "/secret/socket", "/secret/nowhere"] {
            assert_eq!(check(path, &[HOST]), Ok(()));
        }
        for path in [
            "/",
            "/app.js",
            "/socket",
            "//",
            "/secre/",
            "/secrets/",
            "/Secret/",
            "/%73ecret/",
            "/x/secret/",
            "/x/../secret/",
            "/?secret/",
        ] {
            assert_eq!(check(path, &[HOST]), Err(STRANGER), "{path}");
        }
    }
}
