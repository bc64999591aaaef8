//! Sessions: a token of this installation that a browser keeps in a cookie no script can read.

use actix_web::HttpRequest;
use actix_web::cookie::{Cookie, SameSite, time};
use actix_web::http::header::{self, HeaderValue};
use chrono::Duration;

/// How long one is signed in: a working day.
pub const LASTS: Duration = Duration::hours(10);

const PLAIN: &str = "aiguilleur";
/// Browsers refuse this name to what isn't `Secure`, of the whole host and of this host alone.
const SECURE: &str = "__Host-aiguilleur";

/// Where people reach this installation.
#[derive(Debug, Clone)]
pub struct Site {
    /// Scheme, host and port, without a last slash.
    pub url: String,
}

impl Site {
    pub fn is_secure(&self) -> bool {
        self.url.starts_with("https://")
    }

    /// Whether a request comes from a page of this site; one that doesn't say comes from elsewhere.
    pub fn is_origin_of(&self, request: &HttpRequest) -> bool {
        // What the browser itself says is surest; it says so where the connection is safe.
        if let Some(from) = request.headers().get("sec-fetch-site") {
            return from == "same-origin";
        }
        let Some(origin) = request.headers().get(header::ORIGIN).and_then(|origin| origin.to_str().ok()) else { return false };
        // Reached by another name than the one it was told, it is still the same site when the page's is that very name.
        let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
        let is_same_host = || !self.is_secure() && host.is_some_and(|host| origin.strip_prefix("http://") == Some(host));
        origin == self.url || is_same_host()
    }

    /// The cookie of a session.
    pub fn session(&self, token: String) -> Cookie<'static> {
        self.cookie(if self.is_secure() { SECURE } else { PLAIN }, token, LASTS)
    }

    /// A cookie that takes the session away.
    pub fn no_session(&self) -> Cookie<'static> {
        self.cookie(if self.is_secure() { SECURE } else { PLAIN }, String::new(), Duration::zero())
    }

    pub fn cookie(&self, name: &'static str, value: String, lasts: Duration) -> Cookie<'static> {
        Cookie::build(name, value)
            .path("/")
            .http_only(true)
            // Strict would lose it on the way back from a provider or from a mail.
            .same_site(SameSite::Lax)
            .secure(self.is_secure())
            .max_age(time::Duration::seconds(lasts.num_seconds()))
            .finish()
    }
}

/// The session's token, if the browser has one.
pub fn of(request: &HttpRequest) -> Option<String> {
    cookie(request, SECURE).or_else(|| cookie(request, PLAIN))
}

/// A cookie's value; none when it is empty.
pub fn cookie(request: &HttpRequest, name: &str) -> Option<String> {
    // Read here rather than by actix: a cookie that it can't read makes it refuse them all.
    let headers = request.headers().get_all(header::COOKIE).filter_map(|value: &HeaderValue| value.to_str().ok());
    let mut pairs = headers.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(known, _)| *known == name).map(|(_, value)| value.to_owned()).filter(|value| !value.is_empty())
}
