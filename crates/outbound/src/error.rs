//! Why a call failed, in one sentence for whoever started it; the technical cause stays in `source()`.

use reqwest::{StatusCode, Url};

/// A call that failed. The message is French and says what to do; addresses in it carry no query.
#[derive(Debug, thiserror::Error)]
pub enum OutboundError {
    #[error(
        "les connexions sécurisées ne peuvent pas être préparées : installez les certificats racine du système (paquet « ca-certificates »)"
    )]
    Client(#[source] reqwest::Error),
    #[error("« {address} » n'est pas une adresse utilisable : une adresse complète en https:// ou http:// est attendue")]
    Address { address: String },
    #[error("le serveur {} est injoignable : vérifiez la connexion, puis recommencez", host(.url))]
    Unreachable { url: Url, source: reqwest::Error },
    #[error("le serveur {} n'a pas répondu à temps : recommencez dans quelques minutes", host(.url))]
    TimedOut { url: Url, source: reqwest::Error },
    #[error("la réponse de {} s'est interrompue : recommencez", host(.url))]
    Interrupted { url: Url, source: reqwest::Error },
    #[error("l'adresse {url} renvoie de redirection en redirection : vérifiez-la dans un navigateur")]
    Redirects { url: Url, source: reqwest::Error },
    #[error("l'adresse {url} ne mène à rien (réponse {}) : vérifiez-la dans un navigateur", .status.as_u16())]
    NotFound { url: Url, status: StatusCode },
    #[error("le serveur {} est en panne ou débordé (réponse {}) : recommencez dans quelques minutes", host(.url), .status.as_u16())]
    Unavailable { url: Url, status: StatusCode },
    #[error("le serveur {} refuse la demande (réponse {}) : vérifiez l'adresse {url}", host(.url), .status.as_u16())]
    Refused { url: Url, status: StatusCode },
    #[error("le fichier {url} dépasse {max_bytes} octets : ce n'est sans doute pas le bon")]
    TooLarge { url: Url, max_bytes: usize },
    #[error("la réponse de {url} n'est pas celle attendue : vérifiez que l'adresse est celle de data.gouv.fr ou d'un service compatible")]
    Unexpected { url: Url, source: serde_json::Error },
    #[error(
        "le jeu de données « {dataset} » ne contient aucun fichier CSV : téléchargez la liste à la main et donnez le fichier à la commande"
    )]
    NoCsv { dataset: String },
}

impl OutboundError {
    /// Whether the same call may succeed later with nothing changed.
    pub fn is_temporary(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::TimedOut { .. } | Self::Interrupted { .. } | Self::Unavailable { .. })
    }

    pub(crate) fn from_status(url: &Url, status: StatusCode) -> Self {
        let url = without_query(url);
        match status {
            StatusCode::NOT_FOUND | StatusCode::GONE => Self::NotFound { url, status },
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => Self::Unavailable { url, status },
            _ if status.is_server_error() => Self::Unavailable { url, status },
            _ => Self::Refused { url, status },
        }
    }

    pub(crate) fn from_reqwest(url: &Url, error: reqwest::Error) -> Self {
        let url = without_query(error.url().unwrap_or(url));
        let source = error.without_url();
        if source.is_timeout() {
            Self::TimedOut { url, source }
        } else if source.is_redirect() {
            Self::Redirects { url, source }
        } else if source.is_body() || source.is_decode() {
            Self::Interrupted { url, source }
        } else {
            Self::Unreachable { url, source }
        }
    }
}

/// A query may hold what nobody should read in a log, and so may a user and a password.
pub(crate) fn without_query(url: &Url) -> Url {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    // Both only fail on addresses that have no host, hence no credentials.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url
}

fn host(url: &Url) -> &str {
    url.host_str().unwrap_or("demandé")
}
