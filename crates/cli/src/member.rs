//! `aiguilleur member`: who acts for an organisation.

use aiguilleur_api::invitation::Post;
use aiguilleur_domain::access::{Grant, Role};
use aiguilleur_outbound::mail::parse_address;
use aiguilleur_storage::audit::Actor;
use aiguilleur_storage::members::{self, Known, OURSELVES};
use aiguilleur_storage::{Database, Scope, scoped};
use clap::{Args, Subcommand};

use crate::organisation::{known, taken};
use crate::serve::Reach;
use crate::{CliError, Settings, database, grant, name, role, say, slug};

#[derive(Debug, Subcommand)]
pub enum Member {
    /// Les écrit sur la sortie, une ligne JSON par membre
    List {
        #[arg(long, value_parser = slug)]
        organisation: String,
    },
    /// Ajoute le porteur d'un jeton, par ce que son émetteur l'appelle
    Add {
        #[command(flatten)]
        bearer: Bearer,
        #[command(flatten)]
        rights: Rights,
    },
    /// Invite quelqu'un par courriel ; sans serveur de courriel, écrit le lien à lui remettre
    Invite {
        #[arg(long, value_parser = slug)]
        organisation: String,
        /// Adresse professionnelle
        #[arg(long, value_parser = address)]
        email: String,
        #[command(flatten)]
        rights: Rights,
        #[command(flatten)]
        reach: Box<Reach>,
    },
    /// Retire un membre : ses jetons et ses sessions sont refusés en quelques secondes
    Remove {
        #[command(flatten)]
        bearer: Bearer,
    },
}

#[derive(Debug, Args)]
pub struct Bearer {
    #[arg(long, value_parser = slug)]
    organisation: String,
    /// Ce que l'émetteur l'appelle (« sub »)
    #[arg(long, value_parser = name)]
    subject: String,
    /// Adresse de l'émetteur ; par défaut cette installation
    #[arg(long, default_value = OURSELVES)]
    issuer: String,
}

#[derive(Debug, Args)]
pub struct Rights {
    /// Rôle ; l'option peut être répétée
    #[arg(long, required = true, value_parser = role, value_name = "RÔLE")]
    role: Vec<Role>,
    /// Organisme dont il tient les contacts, pour un gestionnaire d'organisme
    #[arg(long, value_name = "ORGANISME")]
    institution: Option<String>,
    /// Départements où le rôle vaut (35,2A,974), ou FR
    #[arg(long, value_delimiter = ',', value_name = "CODES")]
    territory: Vec<String>,
}

impl Rights {
    fn grant(self) -> Result<Grant, CliError> {
        let grant = grant(self.role, self.institution, &self.territory)?;
        grant.fault().map_or(Ok(grant.clone()), |fault| Err(CliError::Sentence(fault.to_owned())))
    }
}

fn address(text: &str) -> Result<String, String> {
    parse_address(text).ok_or_else(|| "une adresse de courriel est attendue, par exemple accueil@ccas.exemple.fr".to_owned())
}

pub async fn run(settings: &Settings, command: Member) -> Result<(), CliError> {
    let opened = database::open(settings).await?;
    let outcome = act(&opened.database, command).await;
    opened.close().await?;
    outcome
}

async fn act(database: &Database, command: Member) -> Result<(), CliError> {
    let mut scope = scoped(database, Scope::Administrator).await?;
    let actor = Actor::command_line();
    match command {
        Member::List { organisation } => {
            let organisation = known(&mut scope, &organisation).await?;
            for member in members::list(&mut scope, organisation.id, None, i64::MAX).await? {
                let mut shown = serde_json::to_value(&member).map_err(std::io::Error::other)?;
                if let Some(shown) = shown.as_object_mut() {
                    shown.insert("email".to_owned(), member.email.into());
                }
                say(&shown.to_string());
            }
        }
        Member::Add { bearer, rights } => {
            let organisation = known(&mut scope, &bearer.organisation).await?;
            let new = Known::Subject { issuer: bearer.issuer, subject: bearer.subject };
            let added = members::add(&mut scope, &actor, organisation.id, new, rights.grant()?).await;
            added.map_err(|error| taken(error, "cette personne est déjà membre de cette organisation"))?;
            say("Membre ajouté.");
        }
        Member::Invite { organisation, email, rights, reach } => {
            let organisation = known(&mut scope, &organisation).await?;
            let added = members::add(&mut scope, &actor, organisation.id, Known::Mail(email.clone()), rights.grant()?).await;
            added.map_err(|error| taken(error, "cette adresse est déjà celle d'un membre de cette organisation"))?;
            let Some(site_url) = reach.public_url.clone() else {
                let message = "dites par quelle adresse on joint le service, avec --public-url ou AIGUILLEUR_PUBLIC_URL";
                return Err(CliError::Sentence(message.to_owned()));
            };
            let post = Post { database: database.clone(), mailer: reach.mailer()?, site_url };
            // Told before the commit: a mail that can't be sent leaves no member behind.
            if post.mailer.is_some() {
                post.invite(&email, organisation.name.as_deref().unwrap_or(&organisation.slug)).await?;
                say("Invitation envoyée.");
            } else {
                say(&post.invitation(&email).await?);
            }
        }
        Member::Remove { bearer } => {
            let organisation = known(&mut scope, &bearer.organisation).await?;
            let found = members::with_subject(&mut scope, organisation.id, &bearer.issuer, &bearer.subject).await?;
            let is_known = found.is_some();
            let member = if let Some(member) = found {
                member
            } else {
                // Whoever only ever showed a token of its own is put on record, to be refused from now on.
                let unheard_of = Known::Subject { issuer: bearer.issuer, subject: bearer.subject };
                members::add(&mut scope, &actor, organisation.id, unheard_of, Grant::default()).await?
            };
            members::remove(&mut scope, &actor, organisation.id, member.id).await?;
            say(if is_known {
                "Membre retiré."
            } else {
                "Aucun membre ne s'appelait ainsi : s'il existe un jeton à ce nom, il est désormais refusé. Vérifiez le nom et --issuer avec « aiguilleur member list »."
            });
        }
    }
    Ok(scope.commit().await?)
}
