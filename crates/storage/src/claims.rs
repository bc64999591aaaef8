//! Claims: organisations that ask to keep the record of a structure, until the record's own mail address, or an administrator, says yes.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use strum::{EnumString, IntoStaticStr, VariantArray};
use uuid::Uuid;

use crate::audit::{self, Actor, Deed};
use crate::schema::{organisation, structure_claim};
use crate::structures::{self, Held};
use crate::{StorageError, read_code};

/// Who is to say whether a claim is right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum CheckedBy {
    /// Whoever reads the mail of the record's own address.
    Mail,
    Administrator,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum Status {
    Open,
    Accepted,
    Refused,
    /// Its link was over, and another was asked for.
    Lapsed,
}

/// An organisation that asks to keep a structure's record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    pub id: Uuid,
    pub structure: Uuid,
    pub organisation: Uuid,
    /// Its slug.
    pub slug: String,
    /// What people call it.
    pub name: Option<String>,
    pub made_at: DateTime<Utc>,
    pub checked_by: CheckedBy,
    /// Until when the link in the mail is good.
    pub expires_at: Option<DateTime<Utc>>,
    pub status: Status,
    pub settled_at: Option<DateTime<Utc>>,
}

/// The secret link of a mail, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// SHA-256 of the secret, hexadecimal.
    pub digest: String,
    pub expires_at: DateTime<Utc>,
}

type Row = (Uuid, Uuid, Uuid, String, Option<String>, DateTime<Utc>, String, Option<DateTime<Utc>>, String, Option<DateTime<Utc>>);

#[diesel::dsl::auto_type(no_type_alias)]
fn rows() -> _ {
    structure_claim::table.inner_join(organisation::table).select((
        structure_claim::id,
        structure_claim::structure_id,
        structure_claim::organisation_id,
        organisation::slug,
        organisation::name,
        structure_claim::made_at,
        structure_claim::checked_by,
        structure_claim::expires_at,
        structure_claim::status,
        structure_claim::settled_at,
    ))
}

/// Notes a claim: by mail where there is a link, else for an administrator. Within the scope of its organisation.
///
/// # Errors
/// [`StorageError::Taken`] when the organisation has an open one on the structure, whose link is still good.
pub async fn add(
    connection: &mut AsyncPgConnection,
    actor: &Actor,
    place: Uuid,
    organisation: Uuid,
    link: Option<&Link>,
) -> Result<Claim, StorageError> {
    let now = Utc::now();
    let open = structure_claim::structure_id.eq(place).and(structure_claim::organisation_id.eq(organisation));
    let over = structure_claim::table.filter(open).filter(structure_claim::status.eq("open")).filter(structure_claim::expires_at.lt(now));
    diesel::update(over)
        .set((structure_claim::status.eq(<&str>::from(Status::Lapsed)), structure_claim::settled_at.eq(Some(now))))
        .execute(connection)
        .await?;
    let id = Uuid::now_v7();
    let checked_by: &str = if link.is_some() { CheckedBy::Mail } else { CheckedBy::Administrator }.into();
    let new = (
        structure_claim::id.eq(id),
        structure_claim::structure_id.eq(place),
        structure_claim::organisation_id.eq(organisation),
        structure_claim::made_at.eq(now),
        structure_claim::checked_by.eq(checked_by),
        structure_claim::token_digest.eq(link.map(|link| &link.digest)),
        structure_claim::expires_at.eq(link.map(|link| link.expires_at)),
        structure_claim::status.eq(<&str>::from(Status::Open)),
    );
    diesel::insert_into(structure_claim::table).values(new).execute(connection).await?;
    let told = serde_json::json!({"structure": place, "checked_by": checked_by});
    let deed = Deed { action: "create_claim", entity: "claim", id: id.to_string(), organisation: Some(organisation) };
    audit::write(connection, actor, deed, None::<&()>, Some(&told)).await?;
    read(rows().filter(structure_claim::id.eq(id)).first(connection).await?)
}

/// Leaves an open claim to an administrator: its mail could not be sent.
pub async fn leave_to_administrator(connection: &mut AsyncPgConnection, id: Uuid) -> Result<Claim, StorageError> {
    diesel::update(structure_claim::table.find(id)).set(without_link()).execute(connection).await?;
    read(rows().filter(structure_claim::id.eq(id)).first(connection).await?)
}

/// The oldest first.
pub async fn list(connection: &mut AsyncPgConnection, status: Status, after: Option<Uuid>, limit: i64) -> Result<Vec<Claim>, StorageError> {
    let mut query = rows().into_boxed().filter(structure_claim::status.eq(<&str>::from(status)));
    if let Some(after) = after {
        query = query.filter(structure_claim::id.gt(after));
    }
    let found: Vec<Row> = query.order(structure_claim::id).limit(limit).load(connection).await?;
    found.into_iter().map(read).collect()
}

pub async fn find(connection: &mut AsyncPgConnection, id: Uuid) -> Result<Option<Claim>, StorageError> {
    let row: Option<Row> = rows().filter(structure_claim::id.eq(id)).first(connection).await.optional()?;
    row.map(read).transpose()
}

/// By the digest of its mail's secret. Within [`Scope::Bearer`](crate::Scope) of that digest.
pub async fn with_link(connection: &mut AsyncPgConnection, digest: &str) -> Result<Option<Claim>, StorageError> {
    let row: Option<Row> = rows().filter(structure_claim::token_digest.eq(digest)).first(connection).await.optional()?;
    row.map(read).transpose()
}

/// Settles a claim on a structure that is held; one that is settled already stays as it is. Other open claims on a record that is given
/// wait for an administrator. Raises the directory's revision, and so comes last in its transaction.
pub async fn settle(
    connection: &mut AsyncPgConnection,
    actor: &Actor,
    held: &Held,
    id: Uuid,
    is_accepted: bool,
) -> Result<Claim, StorageError> {
    let status = if is_accepted { Status::Accepted } else { Status::Refused };
    let open = structure_claim::table.find(id).filter(structure_claim::status.eq(<&str>::from(Status::Open)));
    let settling = (structure_claim::status.eq(<&str>::from(status)), structure_claim::settled_at.eq(Some(Utc::now())));
    let settled_now = diesel::update(open).set(settling).execute(connection).await? > 0;
    let claim = read(rows().filter(structure_claim::id.eq(id)).first(connection).await?)?;
    if !settled_now {
        return Ok(claim);
    }
    let deed = Deed { action: "update_claim", entity: "claim", id: id.to_string(), organisation: Some(claim.organisation) };
    let told = |status: Status| serde_json::json!({"structure": claim.structure, "status": <&str>::from(status)});
    audit::write(connection, actor, deed, Some(&told(Status::Open)), Some(&told(status))).await?;
    if is_accepted {
        let others = structure_claim::structure_id.eq(claim.structure).and(structure_claim::status.eq(<&str>::from(Status::Open)));
        diesel::update(structure_claim::table.filter(others)).set(without_link()).execute(connection).await?;
        structures::give_to(connection, actor, "update_claim", held, claim.organisation).await?;
    }
    Ok(claim)
}

#[diesel::dsl::auto_type(no_type_alias)]
fn without_link() -> _ {
    let checked_by: &'static str = "administrator";
    let (digest, expires_at): (Option<String>, Option<DateTime<Utc>>) = (None, None);
    (structure_claim::checked_by.eq(checked_by), structure_claim::token_digest.eq(digest), structure_claim::expires_at.eq(expires_at))
}

fn read(
    (id, structure, organisation, slug, name, made_at, checked_by, expires_at, status, settled_at): Row,
) -> Result<Claim, StorageError> {
    Ok(Claim {
        id,
        structure,
        organisation,
        slug,
        name,
        made_at,
        checked_by: read_code("structure_claim", "checked_by", &checked_by)?,
        expires_at,
        status: read_code("structure_claim", "status", &status)?,
        settled_at,
    })
}
