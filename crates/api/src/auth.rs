//! Who calls: a bearer token of this installation or of an issuer it trusts, or a session opened in a browser; and what they may do.
//!
//! Everything is decided from memory: signatures by the keys that are known, rights by the register ([`aiguilleur_jobs::access`]). A
//! member's rights are those of the register, whatever its token says; somebody the register doesn't know has those of the token.

mod installation;
pub mod issuers;
pub mod session;

use actix_web::dev::Payload;
use actix_web::http::Method;
use actix_web::http::header;
use actix_web::{FromRequest, HttpMessage, HttpRequest, web};
use aiguilleur_domain::access::{Grant, Role};
use aiguilleur_jobs::access::Register;
use aiguilleur_storage::audit::Actor;
use aiguilleur_storage::members::OURSELVES;
use chrono::{DateTime, Utc};
use futures_util::FutureExt;
use futures_util::future::{Either, LocalBoxFuture};
use tracing_actix_web::RequestId;
use uuid::Uuid;

pub use installation::{DEFAULT_ORGANISATION, InstallationKey, KeyError};
use issuers::Vouched;

use crate::access::{self, Access};
use crate::limits;
use crate::problem::{Kind, Problem};
use crate::request::State;
use crate::state::AppState;

/// Whoever calls, with or without a token. What they may do is asked through [`Caller::may`], the one place that decides.
#[derive(Debug)]
pub struct Caller {
    identity: Option<Identity>,
    /// Whether its organisation's partner tools may record referrals.
    may_refer: bool,
    network: Option<String>,
    request_id: Option<String>,
}

/// Who somebody proved to be, with the rights that are in force.
#[derive(Debug, Clone)]
pub struct Identity {
    /// URL of the issuer that vouches for the subject; [`OURSELVES`] for this installation.
    pub issuer: String,
    pub subject: String,
    /// Slug.
    pub organisation: String,
    pub grant: Grant,
    pub expires_at: DateTime<Utc>,
    /// Of a token of this installation.
    pub token_id: Option<Uuid>,
}

/// On whose behalf a permitted operation acts.
#[derive(Debug, Clone)]
pub struct Agent {
    pub subject: String,
    /// Slug.
    pub organisation: String,
    pub identity: Identity,
    network: Option<String>,
    request_id: Option<String>,
}

impl Agent {
    /// As the audit will tell.
    pub fn actor(&self) -> Actor {
        Actor {
            subject: self.subject.clone(),
            organisation: self.organisation.clone(),
            network: self.network.clone(),
            request_id: self.request_id.clone(),
        }
    }

    pub fn has(&self, role: Role) -> bool {
        self.identity.grant.has(role)
    }
}

impl Caller {
    /// The agent behind an operation of the table in [`access`].
    ///
    /// # Errors
    /// 401 without a token, 403 when none of its roles may.
    pub fn may(&self, operation_id: &str) -> Result<Agent, Problem> {
        let identity = self
            .identity
            .as_ref()
            .ok_or_else(|| Problem::new(Kind::Unauthenticated, "Cette action demande un jeton : « Authorization: Bearer … »."))?;
        // A build of the tests takes every check out, to see that row-level security alone still hides what is others'.
        let allowed = cfg!(feature = "unchecked") || access::allows(operation_id, &identity.grant.roles, self.may_refer);
        if !allowed {
            let is_lacking_right = access::of(operation_id).is_some_and(|access| matches!(access, Access::Referrers | Access::Agents))
                && identity.grant.has(Role::Partner);
            return Err(Problem::new(
                Kind::Forbidden,
                if is_lacking_right {
                    "Votre organisation n'a pas reçu le droit d'enregistrer des réorientations : demandez-le à l'administrateur."
                } else {
                    "Votre rôle ne permet pas cette action."
                },
            ));
        }
        Ok(Agent {
            subject: identity.subject.clone(),
            organisation: identity.organisation.clone(),
            identity: identity.clone(),
            network: self.network.clone(),
            request_id: self.request_id.clone(),
        })
    }

    pub fn identity(&self) -> Option<&Identity> {
        self.identity.as_ref()
    }
}

impl FromRequest for Caller {
    type Error = Problem;
    type Future = Either<std::future::Ready<Result<Self, Problem>>, LocalBoxFuture<'static, Result<Self, Problem>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let now = |outcome| Either::Left(std::future::ready(outcome));
        let Some(state) = request.app_data::<State>() else {
            return now(Err(Problem::new(Kind::Internal, "Une erreur imprévue s'est produite.")));
        };
        let presented = match Presented::of(request, state) {
            Ok(presented) => presented,
            Err(problem) => return now(Err(problem)),
        };
        let Some(presented) = presented else { return now(admit(request, state, None)) };
        match state.key.verify(&presented.token) {
            Ok(claims) => now(ours(&state.access.get(), claims).and_then(|identity| admit(request, state, Some(identity)))),
            // A session is never anybody else's.
            Err(why) if presented.is_session || !installation::is_foreign(&presented.token) => now(Err(refused(why))),
            Err(_) => {
                let (request, state) = (request.clone(), state.clone());
                Either::Right(
                    async move {
                        let register = state.access.get();
                        let vouched = state.providers.check(&register, &presented.token).await.map_err(refused)?;
                        admit(&request, &state, Some(theirs(&register, vouched)?))
                    }
                    .boxed_local(),
                )
            }
        }
    }
}

/// A token, from wherever it came.
struct Presented {
    token: String,
    is_session: bool,
}

impl Presented {
    /// A token that is there must be good, even where none is needed: whoever sends one believes to be known.
    fn of(request: &HttpRequest, state: &AppState) -> Result<Option<Self>, Problem> {
        if let Some(value) = request.headers().get(header::AUTHORIZATION) {
            let token = value
                .to_str()
                .ok()
                .and_then(|value| value.split_once(' '))
                .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
                .map(|(_, token)| token.trim().to_owned())
                .ok_or_else(|| refused("« Authorization: Bearer … » est attendu"))?;
            return Ok(Some(Self { token, is_session: false }));
        }
        let Some(token) = state.site.session_of(request) else { return Ok(None) };
        // Another site's page can make a browser send a session along, but not say that it is one of ours.
        let is_reading = matches!(*request.method(), Method::GET | Method::HEAD);
        if !is_reading && !state.site.is_origin_of(request) {
            return Err(Problem::new(Kind::Forbidden, "Cette demande vient d'une page d'un autre site."));
        }
        Ok(Some(Self { token, is_session: true }))
    }
}

fn refused(why: &str) -> Problem {
    Problem::new(Kind::Unauthenticated, format!("Jeton refusé : {why}."))
}

/// The short name of an organisation: letters, digits, dots, dashes and underscores, at most 100.
pub fn is_slug(text: &str) -> bool {
    let is_a_step = matches!(text, "." | "..");
    !text.is_empty()
        && !is_a_step
        && text.len() <= 100
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
}

fn is_subject(text: &str) -> bool {
    !text.is_empty() && text.len() <= 200 && !text.contains('\0')
}

/// Who a token of this installation stands for.
fn ours(register: &Register, claims: installation::Claims) -> Result<Identity, Problem> {
    if register.is_ended(claims.jti) {
        return Err(refused("la session est terminée"));
    }
    if claims.via.as_deref().is_some_and(|via| register.issuer(via).is_none()) {
        return Err(refused("son émetteur n'est plus admis ici"));
    }
    if !is_subject(&claims.sub) || !is_slug(&claims.org) {
        return Err(refused("il ne dit pas pour qui il a été émis"));
    }
    let identity = Identity {
        issuer: claims.via.unwrap_or_else(|| OURSELVES.to_owned()),
        subject: claims.sub,
        organisation: claims.org,
        grant: claims.grant,
        expires_at: DateTime::from_timestamp(claims.exp, 0).unwrap_or_default(),
        token_id: Some(claims.jti),
    };
    in_force(register, identity)
}

/// Who a token of an issuer stands for: a member, or somebody whose claims say enough.
fn theirs(register: &Register, vouched: Vouched) -> Result<Identity, Problem> {
    if !is_subject(&vouched.subject) {
        return Err(refused("il ne dit pas pour qui il a été émis"));
    }
    let standings = register.standings(&vouched.issuer.url, &vouched.subject);
    let alive = || standings.iter().filter(|standing| !standing.is_removed);
    let organisation = match (vouched.organisation, alive().next(), alive().nth(1)) {
        (Some(told), ..) => told,
        (None, Some(only), None) => only.organisation.clone(),
        (None, Some(_), Some(_)) => return Err(refused("son porteur est membre de plusieurs organisations, et il ne dit pas laquelle")),
        (None, None, _) => return Err(refused("son porteur n'est membre d'aucune organisation ici")),
    };
    if !is_slug(&organisation) {
        return Err(refused("il ne dit pas pour qui il a été émis"));
    }
    let identity = Identity {
        issuer: vouched.issuer.url.clone(),
        subject: vouched.subject,
        organisation,
        grant: Grant::of(&vouched.roles),
        expires_at: vouched.expires_at,
        token_id: None,
    };
    in_force(register, identity)
}

/// The same with the rights that the register gives, where it knows the subject.
fn in_force(register: &Register, identity: Identity) -> Result<Identity, Problem> {
    let standings = register.standings(&identity.issuer, &identity.subject);
    match standings.iter().find(|standing| standing.organisation == identity.organisation) {
        Some(standing) if standing.is_removed => Err(refused("son porteur n'est plus membre de cette organisation")),
        Some(standing) => Ok(Identity { grant: standing.grant.clone(), ..identity }),
        None => Ok(identity),
    }
}

/// What a checked identity is let in with: within its limit.
fn admit(request: &HttpRequest, state: &web::Data<AppState>, identity: Option<Identity>) -> Result<Caller, Problem> {
    let Some(identity) = identity else { return Ok(Caller { identity: None, may_refer: false, network: None, request_id: None }) };
    limits::count_subject(request, state, &identity)?;
    let may_refer = access::needs_right(&identity.grant.roles)
        && state.access.get().organisation(&identity.organisation).is_some_and(|organisation| organisation.may_refer);
    Ok(Caller {
        may_refer,
        network: state.limits.client(request).map(limits::network),
        request_id: request.extensions().get::<RequestId>().map(ToString::to_string),
        identity: Some(identity),
    })
}
