//! Packs `seed-data/` for the binary: each file compressed, with the digest that tells whether it was seeded already.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::{env, fs, io};

use sha2::{Digest, Sha256};

const FILES: [(&str, &str); 12] = [
    ("COMMUNES", "communes.csv"),
    ("OUTLINES", "outlines.topojson"),
    ("EPCI", "epci.csv"),
    ("DEPARTEMENTS", "departements.csv"),
    ("REGIONS", "regions.csv"),
    ("TOWN_HALLS", "town_halls.csv"),
    ("INSTITUTIONS", "institutions.csv"),
    ("PROCEDURES", "procedures.csv"),
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
        let bytes = fs::read(&source)?;
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
