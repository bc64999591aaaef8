//! `aiguilleur issuer`: the OpenID Connect providers whose tokens are taken.

use aiguilleur_api::auth::issuers::{ALGORITHMS, DEFAULT_ALGORITHMS};
use aiguilleur_domain::access::Role;
use aiguilleur_outbound::oidc::parse_issuer;
use aiguilleur_storage::audit::Actor;
use aiguilleur_storage::issuers::{self, Issuer as Kept};
use aiguilleur_storage::{Database, Scope, scoped};
use chrono::Utc;
use clap::{Args, Subcommand};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::organisation::taken;
use crate::{CliError, Settings, database, role, say, slug};

#[derive(Debug, Subcommand)]
pub enum Issuer {
    /// Les écrit sur la sortie, une ligne JSON par émetteur
    List,
    /// En ajoute un
    Add(Box<Add>),
    /// N'admet plus ses jetons
    Remove {
        #[arg(value_parser = slug)]
        slug: String,
    },
}

#[derive(Debug, Args)]
pub struct Add {
    /// Son nom court ici
    #[arg(value_parser = slug)]
    slug: String,
    /// Son adresse, telle que ses jetons la disent (« iss »)
    #[arg(long, value_parser = issuer_url)]
    url: String,
    /// Ce que la page de connexion l'appelle
    #[arg(long)]
    label: String,
    /// Audience de ses jetons qui vaut ici ; l'option peut être répétée
    #[arg(long, required = true)]
    audience: Vec<String>,
    /// Algorithme de signature ; l'option peut être répétée
    #[arg(long, default_values = DEFAULT_ALGORITHMS, value_parser = clap::builder::PossibleValuesParser::new(ALGORITHMS))]
    algorithm: Vec<String>,
    /// Ce que ce service s'appelle chez lui, si l'on s'y connecte par navigateur
    #[arg(long)]
    client_id: Option<String>,
    /// Pointeur JSON (RFC 6901) vers ses rôles
    #[arg(long, value_parser = pointer, value_name = "/CHEMIN")]
    roles_claim: Option<String>,
    /// Ce qu'un de ses rôles donne ici : valeur=rôle ; l'option peut être répétée
    #[arg(long, value_parser = translation, value_name = "VALEUR=RÔLE")]
    role: Vec<(String, Role)>,
    /// Pointeur JSON vers le nom court de l'organisation
    #[arg(long, value_parser = pointer, value_name = "/CHEMIN", conflicts_with = "organisation")]
    organisation_claim: Option<String>,
    /// Organisation de tous ses porteurs
    #[arg(long, value_parser = slug)]
    organisation: Option<String>,
}

fn issuer_url(text: &str) -> Result<String, String> {
    parse_issuer(text).map(|_| text.to_owned()).map_err(|error| error.to_string())
}

fn pointer(text: &str) -> Result<String, String> {
    text.starts_with('/').then(|| text.to_owned()).ok_or_else(|| "un pointeur JSON (RFC 6901) commence par « / »".to_owned())
}

fn translation(text: &str) -> Result<(String, Role), String> {
    let (word, given) = text.rsplit_once('=').ok_or_else(|| "valeur=rôle est attendu".to_owned())?;
    Ok((word.to_owned(), role(given)?))
}

pub async fn run(settings: &Settings, command: Issuer) -> Result<(), CliError> {
    let opened = database::open(settings).await?;
    let outcome = act(&opened.database, command).await;
    opened.close().await?;
    outcome
}

async fn act(database: &Database, command: Issuer) -> Result<(), CliError> {
    let mut scope = scoped(database, Scope::Administrator).await?;
    let actor = Actor::command_line();
    match command {
        Issuer::List => {
            for issuer in issuers::list(&mut scope).await? {
                say(&serde_json::to_string(&issuer).map_err(std::io::Error::other)?);
            }
        }
        Issuer::Add(add) => {
            let role_map: Map<String, Value> = add.role.iter().map(|(word, role)| (word.clone(), <&str>::from(*role).into())).collect();
            let new = Kept {
                id: Uuid::now_v7(),
                slug: add.slug,
                label: add.label,
                url: add.url,
                audiences: add.audience,
                algorithms: add.algorithm,
                client_id: add.client_id,
                roles_claim: add.roles_claim,
                role_map: Value::Object(role_map),
                organisation_claim: add.organisation_claim,
                organisation: add.organisation,
                created_at: Utc::now(),
            };
            let added = issuers::add(&mut scope, &actor, &new).await;
            added.map_err(|error| taken(error, "un émetteur a déjà ce nom ou cette adresse"))?;
            say(&format!("Émetteur « {} » ajouté.", new.slug));
        }
        Issuer::Remove { slug } => {
            let known = issuers::list(&mut scope).await?.into_iter().find(|issuer| issuer.slug == slug);
            let known = known.ok_or_else(|| CliError::Sentence(format!("aucun émetteur ne s'appelle « {slug} »")))?;
            issuers::remove(&mut scope, &actor, known.id).await?;
            say(&format!("Émetteur « {slug} » retiré."));
        }
    }
    Ok(scope.commit().await?)
}
