//! Who is answered: pages that this server served, and nobody else.
//!
//! A page from elsewhere can make a browser send requests to this machine. It cannot choose their
//! `Origin`, and if it has its own name point here (DNS rebinding), their `Host` is that name.

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// Nothing from elsewhere, nothing inline.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
                      img-src 'self' data: blob:; connect-src 'self'; base-uri 'none'; \
                      form-action 'none'; frame-ancestors 'none'";

/// Refuses requests that did not come from a page of this server.
pub(super) async fn guard(port: u16, request: Request<Body>, next: Next) -> Response {
    let mut response = if is_ours(port, request.headers()) {
        next.run(request).await
    } else {
        refusal("this server answers only the page it served on this machine")
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

fn is_ours(port: u16, headers: &HeaderMap) -> bool {
    let ours = ["127.0.0.1", "localhost"].map(|host| format!("{host}:{port}"));
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or(""));
    let host = text(header::HOST).is_some_and(|host| ours.iter().any(|ours| ours == host));
    // Without an origin it is no page that asks.
    let origin = text(header::ORIGIN).is_none_or(|origin| {
        ours.iter()
            .any(|ours| origin.strip_prefix("http://") == Some(ours))
    });
    host && origin
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(host: Option<&str>, origin: Option<&str>) -> bool {
        let mut headers = HeaderMap::new();
        for (name, value) in [(header::HOST, host), (header::ORIGIN, origin)] {
            if let Some(value) = value {
                headers.insert(name, value.parse().unwrap());
            }
        }
        is_ours(8000, &headers)
    }

    #[test]
    fn only_this_host_and_origin_are_ours() {
        assert!(ask(Some("127.0.0.1:8000"), None));
        assert!(ask(Some("localhost:8000"), Some("http://localhost:8000")));
        assert!(!ask(None, None));
        assert!(!ask(Some("127.0.0.1:8001"), None));
        assert!(!ask(
            Some("evil.example:8000"),
            Some("http://evil.example:8000")
        ));
        assert!(!ask(Some("127.0.0.1:8000"), Some("http://evil.example")));
        assert!(!ask(Some("127.0.0.1:8000"), Some("null")));
        assert!(!ask(Some("127.0.0.1:8000"), Some("https://127.0.0.1:8000")));
    }
}
