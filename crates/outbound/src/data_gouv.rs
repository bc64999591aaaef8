//! data.gouv.fr, through version 1 of its API: which file of a dataset is the newest.

use chrono::{DateTime, NaiveDateTime, Utc};
use serde::{Deserialize, Deserializer};

use crate::{Client, OutboundError, Url, download};

/// The public service; a mirror or a test has another address.
pub const BASE: &str = "https://www.data.gouv.fr/";

/// The largest list that is worth downloading, in bytes; the national list of France services has 1.2 million.
pub const MAX_FILE_BYTES: usize = 50_000_000;

/// The description of a dataset with hundreds of files stays under a tenth of this.
const MAX_DESCRIPTION_BYTES: usize = 10_000_000;

/// A file of a dataset, not downloaded yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteFile {
    pub url: Url,
    pub title: String,
    pub last_modified: Option<DateTime<Utc>>,
}

/// The newest CSV file of a dataset, by its slug or identifier. A main file, however old, goes before an update, an update
/// before documentation.
///
/// # Errors
/// [`OutboundError::NotFound`] when there is no such dataset, [`OutboundError::NoCsv`] when it has no CSV file with a usable
/// address, [`OutboundError::Unexpected`] when the answer isn't a dataset's, else any error of a call.
pub async fn newest_csv(client: &Client, base: &Url, dataset: &str) -> Result<RemoteFile, OutboundError> {
    let mut url = base.clone();
    url.path_segments_mut()
        .map_err(|()| OutboundError::Address { address: base.to_string() })?
        .pop_if_empty()
        .extend(["api", "1", "datasets", dataset, ""]);
    let description = download(client, url.clone(), MAX_DESCRIPTION_BYTES).await?;
    let description: Dataset = serde_json::from_slice(&description).map_err(|source| OutboundError::Unexpected { url, source })?;
    let csv_files = description.resources.into_iter().filter(|resource| resource.format.trim().eq_ignore_ascii_case("csv"));
    let usable = csv_files.filter_map(|resource| {
        let url = Url::parse(&resource.url).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
        Some((rank(&resource.kind), RemoteFile { url, title: resource.title, last_modified: resource.last_modified }))
    });
    let newest = usable.max_by_key(|(rank, file)| (*rank, file.last_modified));
    newest.map(|(_, file)| file).ok_or_else(|| OutboundError::NoCsv { dataset: dataset.to_owned() })
}

#[derive(Debug, Deserialize)]
struct Dataset {
    resources: Vec<Resource>,
}

#[derive(Debug, Deserialize)]
struct Resource {
    #[serde(default, deserialize_with = "or_empty")]
    title: String,
    #[serde(default, deserialize_with = "or_empty")]
    url: String,
    #[serde(default, deserialize_with = "or_empty")]
    format: String,
    #[serde(default, rename = "type", deserialize_with = "or_empty")]
    kind: String,
    #[serde(default, deserialize_with = "instant")]
    last_modified: Option<DateTime<Utc>>,
}

fn rank(kind: &str) -> u8 {
    match kind {
        "main" => 2,
        "documentation" => 0,
        _ => 1,
    }
}

fn or_empty<'de, D: Deserializer<'de>>(text: D) -> Result<String, D::Error> {
    Ok(Option::<String>::deserialize(text)?.unwrap_or_default())
}

/// An instant with its offset, or without one, as older records have it: UTC then. What is neither is not known.
fn instant<'de, D: Deserializer<'de>>(text: D) -> Result<Option<DateTime<Utc>>, D::Error> {
    let text = or_empty(text)?;
    Ok(text.parse().or_else(|_| text.parse::<NaiveDateTime>().map(|instant| instant.and_utc())).ok())
}

#[cfg(test)]
mod tests;
