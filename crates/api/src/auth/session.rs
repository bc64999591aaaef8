//! Sessions: a token of this installation that a browser keeps in a cookie no script can read.

use actix_web::HttpRequest;
use actix_web::cookie::{Cookie, SameSite, time};
use actix_web::http::header::{self, HeaderValue};
use chrono::Duration;

/// How long one is signed in: a working day.
pub const LASTS: Duration = Duration::hours(10);

const SESSION: &str = "aiguilleur";
/// Browsers refuse names that begin so to what isn't `Secure`, of the whole host and of this host alone: over https no other host of the
/// same domain can plant one.
const OWN_HOST: &str = "__Host-";

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
        self.cookie(SESSION, token, LASTS)
    }

    /// A cookie that takes the session away.
    pub fn no_session(&self) -> Cookie<'static> {
        self.cookie(SESSION, String::new(), Duration::zero())
    }

    fn name(&self, name: &str) -> String {
        if self.is_secure() { format!("{OWN_HOST}{name}") } else { name.to_owned() }
    }

    pub fn cookie(&self, name: &str, value: String, lasts: Duration) -> Cookie<'static> {
        Cookie::build(self.name(name), value)
            .path("/")
            .http_only(true)
            // Strict would lose it on the way back from a provider or from a mail.
            .same_site(SameSite::Lax)
            .secure(self.is_secure())
            .max_age(time::Duration::seconds(lasts.num_seconds()))
            .finish()
    }

    /// The session's token, if the browser has one.
    pub fn session_of(&self, request: &HttpRequest) -> Option<String> {
        self.value_of(request, SESSION)
    }

    /// The value of a cookie that was made here; none when it is empty.
    pub fn value_of(&self, request: &HttpRequest, name: &str) -> Option<String> {
        read(request, &self.name(name))
    }
}

fn read(request: &HttpRequest, name: &str) -> Option<String> {
    // Read here rather than by actix: a cookie that it can't read makes it refuse them all.
    let headers = request.headers().get_all(header::COOKIE).filter_map(|value: &HeaderValue| value.to_str().ok());
    let mut pairs = headers.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(known, _)| *known == name).map(|(_, value)| value.to_owned()).filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn site(url: &str) -> Site {
        Site { url: url.to_owned() }
    }

    fn with(name: &'static str, value: &str) -> HttpRequest {
        TestRequest::default().insert_header((name, value)).insert_header((header::HOST, "aiguilleur.exemple.fr")).to_http_request()
    }

    #[test]
    fn over_https_no_other_host_can_plant_a_session() {
        let (plain, secure) = (site("http://127.0.0.1:8080"), site("https://aiguilleur.exemple.fr"));
        assert!(
            secure.session("token".to_owned()).to_string().starts_with("__Host-aiguilleur=token; HttpOnly; SameSite=Lax; Secure; Path=/")
        );
        let planted = with("Cookie", "a=b; aiguilleur=token");
        assert_eq!((plain.session_of(&planted).as_deref(), secure.session_of(&planted)), (Some("token"), None));
        assert_eq!(secure.session_of(&with("Cookie", "__Host-aiguilleur=token")).as_deref(), Some("token"));
        for none in ["", "aiguilleur", "aiguilleur=", "é=;;;=", "aiguilleur2=x"] {
            assert_eq!(plain.session_of(&with("Cookie", none)), None, "{none}");
        }
    }

    #[test]
    fn a_request_says_which_page_it_comes_from() {
        let site = site("https://aiguilleur.exemple.fr");
        assert!(site.is_origin_of(&with("Origin", "https://aiguilleur.exemple.fr")));
        assert!(site.is_origin_of(&with("Sec-Fetch-Site", "same-origin")));
        for elsewhere in
            ["https://elsewhere.exemple.fr", "http://aiguilleur.exemple.fr", "https://aiguilleur.exemple.fr.elsewhere.com", "null", ""]
        {
            assert!(!site.is_origin_of(&with("Origin", elsewhere)), "{elsewhere}");
        }
        for from in ["same-site", "cross-site", "none"] {
            assert!(!site.is_origin_of(&with("Sec-Fetch-Site", from)), "{from}");
        }
        assert!(!site.is_origin_of(&with("X-Nothing", "x")), "one that doesn't say comes from elsewhere");
    }
}
