//! Mail, through the SMTP server that the operator names.

use std::time::Duration;

use lettre::message::Mailbox;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::transport::smtp::PoolConfig;
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use uuid::Uuid;

/// How long the server may take for one message.
const PATIENCE: Duration = Duration::from_secs(10);
/// Connections kept to it.
const CONNECTIONS: u32 = 4;

/// Why mail can't be sent. The message is for the operator.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    #[error("l'adresse du serveur SMTP ne peut pas être lue : smtp://hôte:port ou smtps://utilisateur:mot-de-passe@hôte:port est attendu")]
    Url,
    #[error("« {0} » n'est pas une adresse de courriel")]
    Address(String),
    #[error("le message n'a pas pu être composé")]
    Composing(#[from] lettre::error::Error),
    #[error("le serveur SMTP n'a pas pris le message")]
    Sending(#[from] lettre::transport::smtp::Error),
    #[error("le serveur SMTP n'a pas répondu à temps")]
    TimedOut,
}

/// Sends mail from one address. Cloning shares its connections.
#[derive(Debug, Clone)]
pub struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

impl Mailer {
    /// `url`: `smtp://host:port` (in clear, for a server of one's own), `smtp://…?tls=required` (STARTTLS) or `smtps://…`, with
    /// credentials where it wants some.
    ///
    /// # Errors
    /// [`MailError::Url`] or [`MailError::Address`]; the server isn't called yet.
    pub fn new(url: &str, from: &str) -> Result<Self, MailError> {
        let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(url).map_err(|_| MailError::Url)?;
        let transport = builder.timeout(Some(PATIENCE)).pool_config(PoolConfig::new().max_size(CONNECTIONS)).build();
        Ok(Self { transport, from: from.parse().map_err(|_| MailError::Address(from.to_owned()))? })
    }

    /// Sends a plain text. It was taken by the server once this returns.
    pub async fn send(&self, to: &str, subject: &str, text: String) -> Result<(), MailError> {
        self.post(to, None, subject, text).await
    }

    /// The same, on behalf of somebody to whom answers go.
    pub async fn send_for(&self, to: &str, reply_to: &str, subject: &str, text: String) -> Result<(), MailError> {
        self.post(to, Some(reply_to), subject, text).await
    }

    async fn post(&self, to: &str, reply_to: Option<&str>, subject: &str, text: String) -> Result<(), MailError> {
        let address = |text: &str| text.parse::<Mailbox>().map_err(|_| MailError::Address(text.to_owned()));
        let to = address(to)?;
        let id = format!("<{}@{}>", Uuid::new_v4().simple(), self.from.email.domain());
        let message = match reply_to {
            Some(reply_to) => Message::builder().reply_to(address(reply_to)?),
            None => Message::builder(),
        };
        let message = message
            .from(self.from.clone())
            .to(to)
            .subject(subject)
            .message_id(Some(id))
            // So that nobody's "I am away" comes back (RFC 3834).
            .raw_header(HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".to_owned()))
            .header(ContentType::TEXT_PLAIN)
            .body(text)?;
        tokio::time::timeout(PATIENCE, self.transport.send(message)).await.map_err(|_| MailError::TimedOut)??;
        Ok(())
    }
}

/// An address as it is kept and compared: lower case, with one `@` and a domain; `None` when it is none.
pub fn parse_address(text: &str) -> Option<String> {
    let text = text.trim().to_lowercase();
    let address: lettre::Address = text.parse().ok()?;
    let is_sound = text.len() <= 254 && address.domain().contains('.') && text.is_ascii();
    is_sound.then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_compared_in_lower_case() {
        assert_eq!(parse_address(" Accueil@CCAS.exemple.fr "), Some("accueil@ccas.exemple.fr".to_owned()));
        for wrong in ["", "a", "a@b", "a@@b.fr", "a b@c.fr", "a@b.fr\r\nBcc: x@y.fr", "a@b.fr,c@d.fr", "<a@b.fr>", "é@b.fr"] {
            assert_eq!(parse_address(wrong), None, "{wrong}");
        }
    }
}
