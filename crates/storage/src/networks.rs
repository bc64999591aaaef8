//! Networks: organisations of a département, a region or a theme that work together.
//!
//! Reading is bound by row-level security: members and the keeper see theirs, administrators all. Changes are made within
//! [`Scope::Administrator`](crate::Scope), once the caller is known to keep the network.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde::Serialize;
use uuid::Uuid;

use crate::StorageError;
use crate::audit::{self, Actor, Deed};
use crate::schema::{network, network_member, organisation};

/// A network, as its administrator keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = network, treat_none_as_null = true)]
pub struct Network {
    pub id: Uuid,
    pub slug: String,
    pub label: String,
    /// Codes of départements, or `FR`.
    pub territory: Vec<String>,
    /// The group of procedures it is about; `None`: all of them.
    pub theme: Option<String>,
    /// The organisation of its managers.
    pub keeper: Uuid,
    pub created_at: DateTime<Utc>,
}

/// A network, with the slug of its keeper.
pub type Kept = (Network, String);

/// A member of a network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Queryable)]
pub struct Member {
    /// Slug of the organisation.
    pub organisation: String,
    pub name: Option<String>,
    pub joined_at: DateTime<Utc>,
}

/// # Errors
/// [`StorageError::Taken`] when there is one of that slug.
pub async fn create(connection: &mut AsyncPgConnection, actor: &Actor, new: &Network) -> Result<(), StorageError> {
    diesel::insert_into(network::table).values(new).execute(connection).await?;
    audit::write(connection, actor, deed("create_network", new), None::<&Network>, Some(new)).await
}

/// Puts a network in another state.
pub async fn update(connection: &mut AsyncPgConnection, actor: &Actor, before: &Network, after: &Network) -> Result<(), StorageError> {
    diesel::update(network::table.find(after.id)).set(after).execute(connection).await?;
    audit::write(connection, actor, deed("update_network", after), Some(before), Some(after)).await
}

/// One, if the scope may see it.
pub async fn find(connection: &mut AsyncPgConnection, id: Uuid) -> Result<Option<Kept>, StorageError> {
    let found = network::table.inner_join(organisation::table).filter(network::id.eq(id));
    Ok(found.select((Network::as_select(), organisation::slug)).first(connection).await.optional()?)
}

/// The same, for whoever is about to change it or its members.
pub async fn hold(connection: &mut AsyncPgConnection, id: Uuid) -> Result<Option<Network>, StorageError> {
    Ok(network::table.find(id).select(Network::as_select()).for_no_key_update().first(connection).await.optional()?)
}

/// Those that the scope may see, by slug.
pub async fn list(connection: &mut AsyncPgConnection, after: Option<&str>, limit: i64) -> Result<Vec<Kept>, StorageError> {
    let mut query = network::table.inner_join(organisation::table).select((Network::as_select(), organisation::slug)).into_boxed();
    if let Some(after) = after {
        query = query.filter(network::slug.gt(after.to_owned()));
    }
    Ok(query.order(network::slug).limit(limit).load(connection).await?)
}

/// The members of today, by slug.
pub async fn members(connection: &mut AsyncPgConnection, id: Uuid, after: Option<&str>, limit: i64) -> Result<Vec<Member>, StorageError> {
    let columns = (organisation::slug, organisation::name, network_member::joined_at);
    let mut query = network_member::table
        .inner_join(organisation::table)
        .filter(network_member::network_id.eq(id).and(network_member::left_at.is_null()))
        .select(columns)
        .into_boxed();
    if let Some(after) = after {
        query = query.filter(organisation::slug.gt(after.to_owned()));
    }
    Ok(query.order(organisation::slug).limit(limit).load(connection).await?)
}

/// Adds an organisation to a held network; whether it wasn't a member yet.
pub async fn add_member(connection: &mut AsyncPgConnection, actor: &Actor, id: Uuid, member: (Uuid, &str)) -> Result<bool, StorageError> {
    if is_member(connection, id, member.0).await? {
        return Ok(false);
    }
    let new = (network_member::network_id.eq(id), network_member::organisation_id.eq(member.0), network_member::joined_at.eq(Utc::now()));
    diesel::insert_into(network_member::table).values(new).execute(connection).await?;
    audit::write(connection, actor, deed_to_member("add_network_member", id), None::<&&str>, Some(&member.1)).await?;
    Ok(true)
}

/// Takes an organisation out of a held network; whether it was a member. What it wrote stays.
pub async fn remove_member(
    connection: &mut AsyncPgConnection,
    actor: &Actor,
    id: Uuid,
    member: (Uuid, &str),
) -> Result<bool, StorageError> {
    let current = network_member::table
        .filter(network_member::network_id.eq(id).and(network_member::organisation_id.eq(member.0)))
        .filter(network_member::left_at.is_null());
    if diesel::update(current).set(network_member::left_at.eq(Utc::now())).execute(connection).await? == 0 {
        return Ok(false);
    }
    audit::write(connection, actor, deed_to_member("remove_network_member", id), Some(&member.1), None::<&&str>).await?;
    Ok(true)
}

async fn is_member(connection: &mut AsyncPgConnection, id: Uuid, member: Uuid) -> Result<bool, StorageError> {
    let current = network_member::table
        .filter(network_member::network_id.eq(id).and(network_member::organisation_id.eq(member)))
        .filter(network_member::left_at.is_null());
    Ok(diesel::select(diesel::dsl::exists(current)).get_result(connection).await?)
}

fn deed<'a>(action: &'a str, network: &Network) -> Deed<'a> {
    Deed { action, entity: "network", id: network.id.to_string(), organisation: Some(network.keeper) }
}

fn deed_to_member(action: &str, id: Uuid) -> Deed<'_> {
    Deed { action, entity: "network", id: id.to_string(), organisation: None }
}
