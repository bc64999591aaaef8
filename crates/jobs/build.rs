//! Packs `seed-data/` for the binary: each file compressed, with the digest that tells whether it was seeded already.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::{env, fs, io};

use sha2::{Digest, Sha256};

const FILES: [(&str, &str); 13] = [
    // Folders: their files end to end.
    ("CATALOGUE", "catalogue"),
    ("SAID", "said"),
    ("COMMUNES", "communes.csv"),
    ("OUTLINES", "outlines.topojson"),
    ("EPCI", "epci.csv"),
    ("DEPARTEMENTS", "departements.csv"),
    ("REGIONS", "regions.csv"),
    ("TOWN_HALLS", "town_halls.csv"),
    ("INSTITUTIONS", "institutions.csv"),
    ("PROCEDURE_SOURCES", "procedure_sources.csv"),
    ("FUND_AREAS", "fund_areas.csv"),
    ("DEMONSTRATION", "demo/structures.csv"),
    ("DEMONSTRATION_SESSIONS", "demo/sessions.csv"),
];

fn main() -> io::Result<()> {
    let seed_data = Path::new(&env::var("CARGO_MANIFEST_DIR").map_err(io::Error::other)?).join("../../seed-data");
    let out = env::var("OUT_DIR").map_err(io::Error::other)?;
    let mut generated = String::new();
    for (constant, name) in FILES {
        let source = seed_data.join(name);
        println!("cargo::rerun-if-changed={}", source.display());
        let bytes = read(&source)?;
        let packed = Path::new(&out).join(format!("{constant}.gz"));
        let mut encoder = flate2::write::GzEncoder::new(fs::File::create(&packed)?, flate2::Compression::default());
        encoder.write_all(&bytes)?;
        encoder.finish()?;
        let digest = Sha256::digest(&bytes);
        let packed = packed.display();
        writeln!(
            generated,
            "pub const {constant}: SeedFile = SeedFile {{ digest: \"{digest:x}\", packed: include_bytes!(r\"{packed}\") }};"
        )
        .map_err(io::Error::other)?;
    }
    fs::write(Path::new(&out).join("seed_files.rs"), generated)
}

/// A file's bytes, or those of a folder's files end to end, by name.
fn read(source: &Path) -> io::Result<Vec<u8>> {
    if source.is_file() {
        return fs::read(source);
    }
    let mut files: Vec<_> = fs::read_dir(source)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
    files.sort();
    let mut bytes = Vec::new();
    for file in files {
        bytes.extend(fs::read(file)?);
    }
    Ok(bytes)
}
