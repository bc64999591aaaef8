//! Problem documents (RFC 9457): the only form in which this service says no.

use std::time::Duration;

use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpResponse, ResponseError};
use aiguilleur_domain::code::NotAllowed;
use aiguilleur_storage::StorageError;
use serde::Serialize;
use strum::{IntoStaticStr, VariantArray};

/// Seconds after which what is unavailable is worth asking for again, unless something else is known.
const RETRY_AFTER_S: u64 = 2;

/// What kind of problem; its kebab-case name is the end of the problem's `type`, a page that exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "kebab-case")]
pub enum Kind {
    MalformedRequest,
    Unauthenticated,
    Forbidden,
    NotFound,
    MethodNotAllowed,
    NotAcceptable,
    RequestTimeout,
    IdempotencyKeyReused,
    AlreadyThere,
    Over,
    TransitionNotAllowed,
    VersionChanged,
    VersionRequired,
    CharterNotAccepted,
    ContactUnavailable,
    PayloadTooLarge,
    UriTooLong,
    UnsupportedMediaType,
    InvalidValue,
    DeadlineNotVerified,
    RateLimited,
    Internal,
    Unavailable,
    Overloaded,
}

impl Kind {
    pub fn status(self) -> StatusCode {
        match self {
            Self::MalformedRequest => StatusCode::BAD_REQUEST,
            Self::Unauthenticated => StatusCode::UNAUTHORIZED,
            Self::Forbidden | Self::CharterNotAccepted => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::NotAcceptable => StatusCode::NOT_ACCEPTABLE,
            Self::RequestTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::IdempotencyKeyReused | Self::AlreadyThere | Self::Over | Self::TransitionNotAllowed | Self::ContactUnavailable => {
                StatusCode::CONFLICT
            }
            Self::VersionChanged => StatusCode::PRECONDITION_FAILED,
            Self::VersionRequired => StatusCode::PRECONDITION_REQUIRED,
            Self::PayloadTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UriTooLong => StatusCode::URI_TOO_LONG,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::InvalidValue | Self::DeadlineNotVerified => StatusCode::UNPROCESSABLE_ENTITY,
            Self::RateLimited => StatusCode::TOO_MANY_REQUESTS,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Unavailable | Self::Overloaded => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    pub fn slug(self) -> &'static str {
        self.into()
    }

    /// What it is called, in French.
    pub fn title(self) -> &'static str {
        match self {
            Self::MalformedRequest => "Requête mal formée",
            Self::Unauthenticated => "Identification nécessaire",
            Self::Forbidden => "Action non permise",
            Self::NotFound => "Introuvable",
            Self::MethodNotAllowed => "Méthode non prévue ici",
            Self::NotAcceptable => "Format de réponse non disponible",
            Self::RequestTimeout => "Envoi trop lent",
            Self::IdempotencyKeyReused => "Clé d'idempotence déjà utilisée",
            Self::AlreadyThere => "Déjà enregistré",
            Self::Over => "Déjà terminé",
            Self::TransitionNotAllowed => "Changement d'état non permis",
            Self::VersionChanged => "Modifié entre-temps",
            Self::VersionRequired => "Version attendue",
            Self::CharterNotAccepted => "Charte à accepter",
            Self::ContactUnavailable => "Contact non joignable",
            Self::PayloadTooLarge => "Envoi trop volumineux",
            Self::UriTooLong => "Adresse trop longue",
            Self::UnsupportedMediaType => "Format d'envoi non pris en charge",
            Self::InvalidValue => "Valeur non admise",
            Self::DeadlineNotVerified => "Délai de recours non vérifié",
            Self::RateLimited => "Limite de débit atteinte",
            Self::Internal => "Erreur de notre côté",
            Self::Unavailable => "Service momentanément indisponible",
            Self::Overloaded => "Trop de demandes à la fois",
        }
    }

    /// What the status asks of whoever reads it, for the problem's page.
    pub fn advice(self) -> &'static str {
        match self {
            Self::MalformedRequest => {
                "La requête ne peut pas être lue : un paramètre est inconnu, une valeur n'a pas la forme attendue, \
                 ou le corps n'est pas du JSON. Le champ « errors » dit lequel. Corrigez puis renvoyez."
            }
            Self::Unauthenticated => {
                "Cette action demande un jeton d'accès valide dans l'en-tête « Authorization: Bearer … ». \
                 Il manque, il est expiré, ou il n'a pas été émis pour ce service. Demandez-en un nouveau."
            }
            Self::Forbidden => {
                "Vous êtes reconnu, mais ceci ne vous est pas permis : votre rôle n'y suffit pas, ou votre clé partenaire n'est pas faite \
                 pour la page qui s'en sert. Adressez-vous à votre administrateur."
            }
            Self::NotFound => {
                "Rien n'existe à cette adresse, ou rien que vous puissiez voir. Vérifiez l'adresse et l'identifiant ; \
                 la documentation à /docs donne la liste des adresses."
            }
            Self::MethodNotAllowed => {
                "L'adresse existe, mais pas pour cette méthode HTTP. L'en-tête « Allow » donne celles qui sont prévues."
            }
            Self::NotAcceptable => "Aucun des formats demandés par l'en-tête « Accept » n'est disponible. Demandez « application/json ».",
            Self::RequestTimeout => {
                "Le corps de la requête n'est pas arrivé en entier dans le temps admis, la connexion est close et rien n'a été enregistré. \
                 Renvoyez la requête, avec la même clé « Idempotency-Key » ; si votre réseau est lent, en plusieurs envois plus petits."
            }
            Self::IdempotencyKeyReused => {
                "La même clé « Idempotency-Key » a déjà servi pour une autre requête. Rien n'a été enregistré cette fois. \
                 Utilisez une nouvelle clé pour une nouvelle requête."
            }
            Self::AlreadyThere => {
                "Il y a déjà un enregistrement de ce nom, ou cette personne est déjà membre. Rien n'a été changé. Modifiez celui qui existe, \
                 ou choisissez un autre nom."
            }
            Self::Over => {
                "Cette clé est déjà révoquée, ou déjà remplacée par une autre. Rien n'a été changé. La liste des clés dit laquelle est en \
                 usage."
            }
            Self::TransitionNotAllowed => {
                "Dans l'état où elle est, cette réorientation ne peut pas devenir ce que vous demandez, ou pas par vous. Rien n'a été \
                 changé. Le champ « errors » donne, dans « allowed », les états qu'elle peut prendre."
            }
            Self::VersionChanged => {
                "Quelqu'un d'autre a changé cet enregistrement depuis que vous l'avez lu. Rien n'a été changé cette fois. Relisez-le : sa \
                 nouvelle version est dans l'en-tête « ETag ». Puis, s'il y a lieu, renvoyez votre changement avec elle dans « If-Match »."
            }
            Self::VersionRequired => {
                "Ce changement demande l'en-tête « If-Match », avec l'« ETag » de l'enregistrement tel que vous l'avez lu : ainsi deux \
                 personnes ne se remplacent pas sans le savoir. Rien n'a été changé."
            }
            Self::CharterNotAccepted => {
                "Les organismes confient leurs contacts à des professionnels qui ont accepté la charte. Lisez-la à /charte, acceptez-la une \
                 fois (POST /v1/charter/acceptances), puis redemandez. Rien n'a été montré ni compté."
            }
            Self::ContactUnavailable => {
                "Ce contact ne peut pas être joint maintenant, ou pas de cette façon : sa semaine est complète, il est absent, ou il se \
                 joint par un relais. Le message dit quand il rouvre et que faire d'ici là. Rien n'a été montré ni compté."
            }
            Self::PayloadTooLarge => "Le corps de la requête dépasse la taille admise. Envoyez moins, ou en plusieurs fois.",
            Self::UriTooLong => "L'adresse dépasse 8 000 caractères. Utilisez la forme POST de la même question.",
            Self::UnsupportedMediaType => "Le corps doit être du JSON, annoncé par « Content-Type: application/json ».",
            Self::InvalidValue => {
                "La requête se lit bien, mais une valeur n'est pas admise. Le champ « errors » dit laquelle et ce qui est admis. \
                 Rien n'a été enregistré."
            }
            Self::DeadlineNotVerified => {
                "Nous n'avons pas lu à sa source le délai de recours de cette démarche, ou aucun n'est enregistré : un dernier jour faux \
                 coûterait plus cher que pas de réponse. Lisez aujourd'hui le délai et l'adresse de recours écrits sur votre courrier, et \
                 voyez un point-justice (3039), c'est gratuit."
            }
            Self::RateLimited => {
                "Plus de demandes sont venues de vous, de votre adresse ou de votre clé que la limite n'en admet. Celle-ci a été refusée et rien \
                 n'a été enregistré. Réessayez après le délai indiqué par « Retry-After » ; les en-têtes « RateLimit » disent à chaque \
                 réponse ce qu'il vous reste. Si votre usage demande davantage, parlez-en à l'exploitant."
            }
            Self::Internal => {
                "L'erreur vient de nous et elle est consignée. Réessayez ; si elle persiste, signalez-la avec son « request_id »."
            }
            Self::Unavailable => {
                "Ce qui est demandé dépend d'un service qui ne répond pas : la base de données pour un enregistrement, le géocodeur \
                 pour une adresse. Les questions d'orientation par commune ou par position, elles, trouvent toujours réponse. \
                 Réessayez après le délai indiqué par « Retry-After » ; un enregistrement, avec la même clé « Idempotency-Key » : \
                 ce qui aurait été enregistré malgré tout ne le sera pas deux fois."
            }
            Self::Overloaded => {
                "Plus de demandes arrivent que le service n'en peut traiter à temps. Celle-ci a été refusée aussitôt, sans être examinée : \
                 rien n'a été enregistré. Réessayez après le délai indiqué par « Retry-After », puis en espaçant vos essais."
            }
        }
    }
}

/// One thing wrong in the request.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct FieldError {
    /// JSON pointer into the body (RFC 6901).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
    /// Name of the query parameter or header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameter: Option<String>,
    /// What is wrong, in French.
    pub detail: String,
    /// What is allowed, when that can be listed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allowed: Vec<String>,
}

/// A refusal on its way out; the causes of faults of ours are logged here, once, and never sent.
#[derive(Debug, Clone)]
pub struct Problem {
    kind: Kind,
    detail: String,
    errors: Vec<FieldError>,
    allow: Vec<Method>,
    /// For a problem that passes by itself.
    retry_after_s: u64,
    more: Vec<(HeaderName, String)>,
}

/// The document as sent.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Problem)]
pub struct ProblemDocument {
    /// `/problems/<slug>`, a page that says what to do.
    r#type: String,
    title: String,
    status: u16,
    /// What is wrong this time, in French.
    detail: String,
    /// The path of the request.
    instance: String,
    /// To be quoted when reporting a fault.
    request_id: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldError>,
}

impl Problem {
    pub fn new(kind: Kind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into(), errors: Vec::new(), allow: Vec::new(), retry_after_s: RETRY_AFTER_S, more: Vec::new() }
    }

    /// What can't be had now, and when it is worth asking again.
    pub fn unavailable(detail: impl Into<String>, retry_after: Duration) -> Self {
        Self { retry_after_s: retry_after.as_secs().max(1), ..Self::new(Kind::Unavailable, detail) }
    }

    /// What wasn't even looked at, since too much else is asked for.
    pub fn overloaded(detail: impl Into<String>, retry_after: Duration) -> Self {
        Self { kind: Kind::Overloaded, ..Self::unavailable(detail, retry_after) }
    }

    /// What was asked too often.
    pub fn rate_limited(detail: impl Into<String>, retry_after: Duration) -> Self {
        Self { kind: Kind::RateLimited, ..Self::unavailable(detail, retry_after) }
    }

    /// One thing wrong in a body. `pointer`: RFC 6901.
    pub fn field(kind: Kind, pointer: &str, detail: impl Into<String>) -> Self {
        Self::fields(
            kind,
            vec![FieldError { pointer: Some(pointer.to_owned()), parameter: None, detail: detail.into(), allowed: Vec::new() }],
        )
    }

    /// With a header field more.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: String) -> Self {
        self.more.push((name, value));
        self
    }

    /// Several things wrong with the fields of a request.
    pub fn fields(kind: Kind, errors: Vec<FieldError>) -> Self {
        let detail = match errors.as_slice() {
            [only] => only.detail.clone(),
            several => format!("{} champs sont à corriger.", several.len()),
        };
        Self { errors, ..Self::new(kind, detail) }
    }

    pub fn not_found(what: &str) -> Self {
        Self::new(Kind::NotFound, format!("{what} : rien de tel ici."))
    }

    pub fn method_not_allowed(allow: Vec<Method>) -> Self {
        let names: Vec<&str> = allow.iter().map(Method::as_str).collect();
        Self { detail: format!("Méthodes prévues : {}.", names.join(", ")), allow, ..Self::new(Kind::MethodNotAllowed, "") }
    }

    pub fn kind(&self) -> Kind {
        self.kind
    }

    pub fn document(&self, path: &str, request_id: &str) -> ProblemDocument {
        ProblemDocument {
            r#type: format!("/problems/{}", self.kind.slug()),
            title: self.kind.title().to_owned(),
            status: self.kind.status().as_u16(),
            detail: self.detail.clone(),
            instance: path.to_owned(),
            request_id: request_id.to_owned(),
            errors: self.errors.clone(),
        }
    }

    /// The response, for a path (never its query) and a request.
    pub fn respond(&self, path: &str, request_id: &str) -> HttpResponse {
        let mut response = HttpResponse::build(self.kind.status());
        response.insert_header((header::CONTENT_TYPE, "application/problem+json"));
        response.insert_header((header::CACHE_CONTROL, "no-store"));
        match self.kind {
            Kind::Unauthenticated => response.insert_header((header::WWW_AUTHENTICATE, "Bearer")),
            Kind::Unavailable | Kind::Overloaded | Kind::RateLimited => response.insert_header((header::RETRY_AFTER, self.retry_after_s)),
            // What is left of a body that came too slowly can't be told from a next request.
            Kind::RequestTimeout => response.force_close(),
            _ => &mut response,
        };
        for (name, value) in &self.more {
            response.insert_header((name.clone(), value.as_str()));
        }
        if !self.allow.is_empty() {
            let names: Vec<&str> = self.allow.iter().map(Method::as_str).collect();
            response.insert_header((header::ALLOW, HeaderValue::from_str(&names.join(", ")).unwrap_or(HeaderValue::from_static("GET"))));
        }
        // A document of strings and numbers always serialises.
        response.body(serde_json::to_vec(&self.document(path, request_id)).unwrap_or_default())
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}: {}", self.kind.slug(), self.detail)
    }
}

impl std::error::Error for Problem {}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.kind.status()
    }

    /// Without its path and request id, which only the outermost middleware knows and fills in.
    fn error_response(&self) -> HttpResponse {
        let mut response = self.respond("", "");
        response.extensions_mut().insert(self.clone());
        response
    }
}

impl From<StorageError> for Problem {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::Crowded => {
                Self::overloaded("Trop d'enregistrements attendent déjà leur tour. Celui-ci n'a pas été fait.", Duration::from_secs(1))
            }
            StorageError::Unavailable(cause) => {
                tracing::warn!(%cause, "the database is not available");
                Self::new(
                    Kind::Unavailable,
                    "La base de données ne répond pas : rien n'est confirmé. Réessayez dans quelques secondes ; un enregistrement, avec la même clé « Idempotency-Key ».",
                )
            }
            StorageError::Taken => Self::new(Kind::AlreadyThere, "Il y en a déjà un de ce nom. Rien n'a été changé."),
            error => {
                tracing::error!(%error, cause = ?std::error::Error::source(&error), "storage");
                Self::new(Kind::Internal, "Une erreur imprévue s'est produite.")
            }
        }
    }
}

/// What a closed vocabulary answers to a word that is not in it.
pub fn not_allowed(error: &NotAllowed) -> (String, Vec<String>) {
    let value: String = error.value.chars().take(80).collect();
    (format!("« {value} » n'est pas une valeur admise."), error.allowed.iter().map(|&value| value.to_owned()).collect())
}
