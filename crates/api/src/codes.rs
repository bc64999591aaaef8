//! From the code on a person's slip, typed by whoever holds it, to the referral that it opens.

use actix_web::HttpRequest;
use aiguilleur_domain::code::SlipCode;
use aiguilleur_storage::referrals::{self, Held};
use aiguilleur_storage::{Scope, Scoped, StorageError, scoped};

use crate::auth::Agent;
use crate::invitation::digest;
use crate::problem::{FieldError, Kind, Problem};
use crate::request::State;

/// Why a code opens nothing.
#[derive(Debug)]
pub enum Wrong {
    /// It can't be a code: its check character says so. Nothing was looked for, and it counts as no guess.
    Mistyped,
    Unknown,
    /// Many wrong ones were tried.
    TooMany(Problem),
    Away(StorageError),
}

/// Who tries a code: an agent, or whoever calls from a network.
pub fn guesser(state: &State, request: &HttpRequest, agent: Option<&Agent>) -> String {
    agent.map_or_else(|| state.limits.guesser(request), |agent| format!("{} {}", agent.identity.issuer, agent.subject))
}

/// Opens the referral of a code, held until the transaction ends, in the scope of its organisation.
///
/// # Errors
/// [`Wrong`], which tells no more of a code than that it opens nothing.
pub async fn open(state: &State, guesser: String, typed: &str) -> Result<(Scoped, Held), Wrong> {
    let code = SlipCode::parse(typed).ok_or(Wrong::Mistyped)?;
    let attempt = state.limits.try_code(guesser).await.map_err(Wrong::TooMany)?;
    let found = look_for(state, &digest(code.as_str())).await;
    if matches!(found, Ok(None)) {
        attempt.was_wrong();
    }
    found.map_err(Wrong::Away)?.ok_or(Wrong::Unknown)
}

async fn look_for(state: &State, digest: &str) -> Result<Option<(Scoped, Held)>, StorageError> {
    let mut scope = scoped(&state.database, Scope::Bearer(digest)).await?;
    let Some((organisation, id)) = referrals::find_by_digest(&mut scope, digest).await? else { return Ok(None) };
    scope.enter(Scope::Organisation(organisation)).await?;
    Ok(referrals::hold(&mut scope, id).await?.map(|held| (scope, held)))
}

impl From<Wrong> for Problem {
    fn from(wrong: Wrong) -> Self {
        match wrong {
            Wrong::Mistyped => {
                let detail = "Ce n'est pas un code : il a 10 lettres et chiffres, dont un de contrôle. Relisez-le sur le papier.";
                let pointer = Some("/code".to_owned());
                Self::fields(
                    Kind::InvalidValue,
                    vec![FieldError { pointer, parameter: None, detail: detail.to_owned(), allowed: Vec::new() }],
                )
            }
            Wrong::Unknown => Self::new(Kind::NotFound, "Ce code n'est celui d'aucune réorientation. Relisez-le sur le papier."),
            Wrong::TooMany(problem) => problem,
            Wrong::Away(error) => error.into(),
        }
    }
}
