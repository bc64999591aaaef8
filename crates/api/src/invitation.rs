//! Mail to members: an invitation, or a link to sign in. Both hold a one-time link; whoever opens it only sees a page, until they act.

use aiguilleur_outbound::mail::{MailError, Mailer};
use aiguilleur_storage::{Database, Scope, StorageError, scoped, sessions};
use chrono::{Duration, Utc};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::problem::{Kind, Problem};

/// For which an invitation is good; after it, its member asks for a link to sign in.
const INVITATION_LASTS: Duration = Duration::days(7);
/// For which a link to sign in is good.
const LINK_LASTS: Duration = Duration::minutes(15);

/// Writes to members. Cloning shares its connections.
#[derive(Debug, Clone)]
pub struct Post {
    pub database: Database,
    /// `None` when this installation sends no mail.
    pub mailer: Option<Mailer>,
    /// Scheme, host and port by which people reach this installation, for links.
    pub site_url: String,
}

/// Why nobody was told.
#[derive(Debug, thiserror::Error)]
pub enum PostError {
    #[error("cette installation n'envoie pas de courriel : donnez-lui un serveur avec AIGUILLEUR_SMTP_URL")]
    NoMailer,
    #[error(transparent)]
    Mail(#[from] MailError),
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// A new secret for a link: 256 random bits, hexadecimal.
pub fn secret() -> String {
    // Each v4 UUID has 122 random bits; their digest spreads 366 of them over 256.
    format!("{:x}", Sha256::digest([Uuid::new_v4(), Uuid::new_v4(), Uuid::new_v4()].map(Uuid::into_bytes).concat()))
}

/// A link's digest, as the database keeps it.
pub fn digest(token: &str) -> String {
    format!("{:x}", Sha256::digest(token))
}

impl Post {
    /// Invites an address to an organisation, which the mail names.
    pub async fn invite(&self, address: &str, organisation: &str) -> Result<(), PostError> {
        self.mailer.as_ref().ok_or(PostError::NoMailer)?;
        let link = self.invitation(address).await?;
        let text = format!(
            "Bonjour,\n\n{organisation} vous invite à utiliser Aiguilleur, qui répond à « où réorienter cette personne, pour cette \
             démarche ? ».\n\nPour vous connecter, ouvrez ce lien dans les 7 jours, puis confirmez :\n\n{link}\n\n\
             Ensuite, pour revenir : {}/sign-in\n\n\
             Vous n'attendiez pas ce message ? Ne faites rien : sans confirmation, rien n'est ouvert.\n",
            self.site_url
        );
        self.deliver(&link, address, "Votre invitation à Aiguilleur", text).await
    }

    /// The link of an invitation, to be handed over by other means than mail.
    pub async fn invitation(&self, address: &str) -> Result<String, StorageError> {
        self.new_link(address, INVITATION_LASTS).await
    }

    /// Sends an address a link to sign in.
    pub async fn send_link(&self, address: &str) -> Result<(), PostError> {
        let link = self.new_link(address, LINK_LASTS).await?;
        let text = format!(
            "Bonjour,\n\nPour vous connecter à Aiguilleur, ouvrez ce lien dans les 15 minutes, puis confirmez :\n\n{link}\n\n\
             Il ne sert qu'une fois. Vous ne l'avez pas demandé ? Ne faites rien : sans confirmation, rien n'est ouvert.\n"
        );
        self.deliver(&link, address, "Votre connexion à Aiguilleur", text).await
    }

    /// Sends a place another link by which it answers for somebody who was sent there.
    pub async fn send_target_link(&self, address: &str, link: &str) -> Result<(), PostError> {
        let mailer = self.mailer.as_ref().ok_or(PostError::NoMailer)?;
        let text = format!(
            "Bonjour,\n\nUne personne a été orientée vers votre lieu, et un autre lien pour répondre a été demandé. Le voici, valable 7 \
             jours :\n\n{link}\n\nL'ouvrir ne change rien : la page montre la démarche, et vous répondez si vous le voulez.\n\n\
             Vous n'avez rien demandé ? Ne faites rien.\n"
        );
        Ok(mailer.send(address, "Une personne vous est adressée", text).await?)
    }

    /// Forwards a mediator's message to an institution's contact, which answers to the mediator.
    pub async fn forward(&self, address: &str, reply_to: &str, procedure: &str, message: &str) -> Result<(), PostError> {
        let mailer = self.mailer.as_ref().ok_or(PostError::NoMailer)?;
        let text = format!(
            "Bonjour,\n\nUne médiatrice ou un médiateur vous écrit par Aiguilleur, où votre organisme a publié ce contact pour les \
             professionnels. Votre adresse ne lui a pas été montrée ; répondre à ce message lui répond.\n\n\
             Démarche : {procedure}\n\n{message}\n\n\
             Ce message ne dit pas de qui il s'agit : identifiez la personne par votre canal sécurisé. Usage inapproprié ? \
             Signalez-le à votre gestionnaire de contacts.\n"
        );
        Ok(mailer.send_for(address, reply_to, "Une question d'un médiateur, par Aiguilleur", text).await?)
    }

    /// Sends a place's own address the link by which whoever reads its mail says who keeps its record.
    pub async fn send_claim(&self, address: &str, link: &str, place: &str, organisation: &str) -> Result<(), PostError> {
        let mailer = self.mailer.as_ref().ok_or(PostError::NoMailer)?;
        let text = format!(
            "Bonjour,\n\nDans l'annuaire Aiguilleur, votre adresse est celle de « {place} ». L'organisation « {organisation} » demande à \
             tenir sa fiche : horaires, coordonnées, fermetures, places.\n\nSi elle gère bien ce lieu, ouvrez ce lien dans les 7 jours, puis \
             confirmez ; vous pouvez aussi y refuser :\n\n{link}\n\nL'ouvrir ne change rien. Vous ne connaissez pas cette organisation ? \
             Refusez, ou ne faites rien : sans confirmation, rien n'est changé.\n"
        );
        Ok(mailer.send(address, "Qui tient la fiche de votre lieu ?", text).await?)
    }

    async fn new_link(&self, address: &str, lasts: Duration) -> Result<String, StorageError> {
        let token = secret();
        let mut scope = scoped(&self.database, Scope::System).await?;
        sessions::add_link(&mut scope, &digest(&token), address, Utc::now() + lasts).await?;
        scope.commit().await?;
        Ok(format!("{}/sign-in/link/{token}", self.site_url))
    }

    async fn deliver(&self, link: &str, address: &str, subject: &str, text: String) -> Result<(), PostError> {
        let mailer = self.mailer.as_ref().ok_or(PostError::NoMailer)?;
        if let Err(error) = mailer.send(address, subject, text).await {
            // Nobody has the link: neither it nor the address is kept.
            let mut scope = scoped(&self.database, Scope::System).await?;
            sessions::forget_link(&mut scope, &digest(link.rsplit('/').next().unwrap_or_default())).await?;
            scope.commit().await?;
            return Err(error.into());
        }
        Ok(())
    }
}

impl From<PostError> for Problem {
    fn from(error: PostError) -> Self {
        match error {
            PostError::NoMailer => Self::new(
                Kind::Unavailable,
                "Cette installation n'envoie pas de courriel : son exploitant peut y remédier. Rien n'a été enregistré.",
            ),
            PostError::Mail(MailError::Address(_)) => {
                Self::new(Kind::InvalidValue, "Cette adresse de courriel ne peut pas recevoir de message.")
            }
            PostError::Mail(error) => {
                // Neither the address nor what the server says of it.
                tracing::error!(%error, "a mail could not be sent");
                Self::new(
                    Kind::Unavailable,
                    "Le serveur de courriel n'a pas pris le message. Rien n'a été enregistré : réessayez dans quelques minutes.",
                )
            }
            PostError::Storage(error) => error.into(),
        }
    }
}
