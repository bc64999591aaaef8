//! Members: who acts for an organisation, invited by mail or known to an issuer. Within [`Scope::Administrator`](crate::Scope).

use aiguilleur_domain::access::{Grant, Territory};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde::Serialize;
use uuid::Uuid;

use crate::audit::{self, Actor, Deed};
use crate::schema::{mail_link, member};
use crate::{StorageError, read_code};

/// The issuer of the installation's own tokens, sessions opened by mail included.
pub const OURSELVES: &str = "aiguilleur";

/// Somebody who acts for an organisation.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Member {
    pub id: Uuid,
    pub organisation_id: Uuid,
    pub issuer: String,
    pub subject: String,
    /// Not for the audit.
    #[serde(skip)]
    pub email: Option<String>,
    #[serde(flatten)]
    pub grant: Grant,
    pub created_at: DateTime<Utc>,
    pub joined_at: Option<DateTime<Utc>>,
    pub removed_at: Option<DateTime<Utc>>,
}

/// How a new member will be known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Known {
    /// By a link sent to this address, lower case.
    Mail(String),
    /// By what an issuer calls it.
    Subject { issuer: String, subject: String },
}

#[derive(Debug, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = member, treat_none_as_null = true)]
struct Row {
    id: Uuid,
    organisation_id: Uuid,
    issuer: String,
    subject: String,
    email: Option<String>,
    roles: Vec<String>,
    institution: Option<String>,
    territory: Vec<String>,
    created_at: DateTime<Utc>,
    joined_at: Option<DateTime<Utc>>,
    removed_at: Option<DateTime<Utc>>,
}

/// Adds a member, or takes a removed one back.
///
/// # Errors
/// [`StorageError::Taken`] when the organisation has it already.
pub async fn add(
    connection: &mut AsyncPgConnection,
    actor: &Actor,
    organisation: Uuid,
    known: Known,
    grant: Grant,
) -> Result<Member, StorageError> {
    let (id, now) = (Uuid::now_v7(), Utc::now());
    let (issuer, subject, email) = match known {
        Known::Mail(email) => (OURSELVES.to_owned(), format!("member-{id}"), Some(email)),
        Known::Subject { issuer, subject } => (issuer, subject, None),
    };
    let joined_at = email.is_none().then_some(now);
    let removed = member::table
        .filter(member::organisation_id.eq(organisation).and(member::issuer.eq(&issuer)).and(member::subject.eq(&subject)))
        .filter(member::removed_at.is_not_null());
    let former: Option<Row> = removed.select(Row::as_select()).first(connection).await.optional()?;
    let former = former.map(Member::try_from).transpose()?;
    let id = former.as_ref().map_or(id, |former| former.id);
    let added = Member { id, organisation_id: organisation, issuer, subject, email, grant, created_at: now, joined_at, removed_at: None };
    let row = Row::from(&added);
    if former.is_some() {
        diesel::update(member::table.find(id)).set(&row).execute(connection).await?;
    } else {
        diesel::insert_into(member::table).values(&row).execute(connection).await?;
    }
    audit::write(connection, actor, deed("add_member", &added), former.as_ref(), Some(&added)).await?;
    Ok(added)
}

/// Of an organisation, the oldest first; removed ones too.
pub async fn list(
    connection: &mut AsyncPgConnection,
    organisation: Uuid,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Member>, StorageError> {
    let mut query = member::table.filter(member::organisation_id.eq(organisation)).select(Row::as_select()).into_boxed();
    if let Some(after) = after {
        query = query.filter(member::id.gt(after));
    }
    let rows: Vec<Row> = query.order(member::id).limit(limit).load(connection).await?;
    rows.into_iter().map(Member::try_from).collect()
}

/// Gives a member other rights; `None` when the organisation has no such member, or no longer.
pub async fn change(
    connection: &mut AsyncPgConnection,
    actor: &Actor,
    organisation: Uuid,
    id: Uuid,
    grant: Grant,
) -> Result<Option<Member>, StorageError> {
    let Some(before) = find(connection, organisation, id).await? else { return Ok(None) };
    let after = Member { grant, ..before.clone() };
    diesel::update(member::table.find(id)).set(Row::from(&after)).execute(connection).await?;
    audit::write(connection, actor, deed("update_member", &after), Some(&before), Some(&after)).await?;
    Ok(Some(after))
}

/// Refuses a member's tokens from now on, and forgets its address; false when the organisation has no such member, or no longer.
pub async fn remove(connection: &mut AsyncPgConnection, actor: &Actor, organisation: Uuid, id: Uuid) -> Result<bool, StorageError> {
    let Some(before) = find(connection, organisation, id).await? else { return Ok(false) };
    let after = Member { email: None, removed_at: Some(Utc::now()), ..before.clone() };
    if let Some(email) = &before.email {
        // Were it invited again, an old link would be good again.
        diesel::delete(mail_link::table.filter(mail_link::email.eq(email))).execute(connection).await?;
    }
    diesel::update(member::table.find(id)).set(Row::from(&after)).execute(connection).await?;
    audit::write(connection, actor, deed("remove_member", &after), Some(&before), Some(&after)).await?;
    Ok(true)
}

/// Those who sign in with an address, in any organisation.
pub async fn with_email(connection: &mut AsyncPgConnection, email: &str) -> Result<Vec<Member>, StorageError> {
    let rows: Vec<Row> = member::table.filter(member::email.eq(email)).select(Row::as_select()).order(member::id).load(connection).await?;
    rows.into_iter().map(Member::try_from).collect()
}

/// Notes that an invited member signed in for the first time.
pub async fn join(connection: &mut AsyncPgConnection, id: Uuid) -> Result<(), StorageError> {
    let invited = member::table.find(id).filter(member::joined_at.is_null());
    diesel::update(invited).set(member::joined_at.eq(Utc::now())).execute(connection).await?;
    Ok(())
}

/// All of them, removed ones included.
pub(crate) async fn all(connection: &mut AsyncPgConnection) -> Result<Vec<Member>, StorageError> {
    let rows: Vec<Row> = member::table.select(Row::as_select()).load(connection).await?;
    rows.into_iter().map(Member::try_from).collect()
}

/// Who is to be found by an issuer's subject; removed ones too.
pub async fn with_subject(
    connection: &mut AsyncPgConnection,
    organisation: Uuid,
    issuer: &str,
    subject: &str,
) -> Result<Option<Member>, StorageError> {
    let row: Option<Row> = member::table
        .filter(member::organisation_id.eq(organisation).and(member::issuer.eq(issuer)).and(member::subject.eq(subject)))
        .select(Row::as_select())
        .first(connection)
        .await
        .optional()?;
    row.map(Member::try_from).transpose()
}

async fn find(connection: &mut AsyncPgConnection, organisation: Uuid, id: Uuid) -> Result<Option<Member>, StorageError> {
    let row: Option<Row> = member::table
        .find(id)
        .filter(member::organisation_id.eq(organisation).and(member::removed_at.is_null()))
        .select(Row::as_select())
        .for_update()
        .first(connection)
        .await
        .optional()?;
    row.map(Member::try_from).transpose()
}

fn deed<'a>(action: &'a str, member: &Member) -> Deed<'a> {
    Deed { action, entity: "member", id: member.id.to_string(), organisation: Some(member.organisation_id) }
}

impl From<&Member> for Row {
    fn from(member: &Member) -> Self {
        Self {
            id: member.id,
            organisation_id: member.organisation_id,
            issuer: member.issuer.clone(),
            subject: member.subject.clone(),
            email: member.email.clone(),
            roles: member.grant.roles.iter().map(|&role| <&str>::from(role).to_owned()).collect(),
            institution: member.grant.institution.clone(),
            territory: member.grant.territory.codes().to_vec(),
            created_at: member.created_at,
            joined_at: member.joined_at,
            removed_at: member.removed_at,
        }
    }
}

impl TryFrom<Row> for Member {
    type Error = StorageError;

    fn try_from(row: Row) -> Result<Self, StorageError> {
        let roles = row.roles.iter().map(|role| read_code("member", "roles", role)).collect::<Result<_, _>>()?;
        let unreadable = |value| StorageError::Unreadable { table: "member", column: "territory", value };
        let territory = Territory::parse(&row.territory).map_err(unreadable)?;
        Ok(Self {
            id: row.id,
            organisation_id: row.organisation_id,
            issuer: row.issuer,
            subject: row.subject,
            email: row.email,
            grant: Grant { roles, institution: row.institution, territory },
            created_at: row.created_at,
            joined_at: row.joined_at,
            removed_at: row.removed_at,
        })
    }
}
