"""The pattern in wide use: FastAPI, SQLAlchemy and PostGIS answering the benchmark's questions from the same structures."""

import os
from datetime import date

from fastapi import Depends, FastAPI, HTTPException
from sqlalchemy import Text, func, or_, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import UserDefinedType

RADIUS_M = 20_000

engine = create_async_engine(
    os.environ["BENCH_DATABASE_URL"],
    pool_size=16,
    connect_args={"server_settings": {"search_path": "bench,public"}},
)
session_of = async_sessionmaker(engine, expire_on_commit=False)


class Geography(UserDefinedType):
    cache_ok = True

    def get_col_spec(self, **_):
        return "geography"


class Base(DeclarativeBase):
    pass


class Procedure(Base):
    __tablename__ = "procedure"
    slug: Mapped[str] = mapped_column(primary_key=True)
    label: Mapped[str]
    procedure_group: Mapped[str]
    documents: Mapped[list[str]] = mapped_column(ARRAY(Text))
    kinds: Mapped[list[str]] = mapped_column(ARRAY(Text))
    desks: Mapped[list[str]] = mapped_column(ARRAY(Text))


class Commune(Base):
    __tablename__ = "commune"
    code: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    lat: Mapped[float]
    lon: Mapped[float]


class Structure(Base):
    __tablename__ = "structure"
    id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    institution: Mapped[str | None]
    name: Mapped[str]
    address: Mapped[str | None]
    postal_code: Mapped[str | None]
    commune: Mapped[str]
    lat: Mapped[float]
    lon: Mapped[float]
    phone: Mapped[str | None]
    email: Mapped[str | None]
    website: Mapped[str | None]
    opening_hours: Mapped[str | None]
    hours_checked_on: Mapped[date | None]
    access: Mapped[str]
    languages: Mapped[list[str]] = mapped_column(ARRAY(Text))
    procedures: Mapped[list[str]] = mapped_column(ARRAY(Text))
    groups: Mapped[list[str]] = mapped_column(ARRAY(Text))
    geom: Mapped[str] = mapped_column(Geography, deferred=True)


async def session():
    async with session_of() as it:
        yield it


app = FastAPI()


@app.get("/health/ready")
async def ready(db: AsyncSession = Depends(session)):
    await db.execute(text("SELECT 1"))
    return {"status": "ready"}


@app.get("/v1/orientations")
async def orientations(
    procedure: str,
    commune: str | None = None,
    lat: float | None = None,
    lon: float | None = None,
    residence: str | None = None,
    language: str | None = None,
    drop_in: bool = False,
    limit: int = 5,
    db: AsyncSession = Depends(session),
):
    asked = await db.get(Procedure, procedure)
    if asked is None:
        raise HTTPException(404)
    if lat is None or lon is None:
        place = await db.get(Commune, commune)
        if place is None:
            raise HTTPException(422)
        lat, lon = place.lat, place.lon
    here = func.ST_SetSRID(func.ST_MakePoint(lon, lat), 4326).cast(Geography)
    distance = func.ST_Distance(Structure.geom, here).label("distance_m")
    query = (
        select(Structure, distance)
        .where(func.ST_DWithin(Structure.geom, here, RADIUS_M))
        .where(
            or_(
                Structure.kind.in_(asked.kinds),
                Structure.institution.in_(asked.desks),
                Structure.procedures.contains([asked.slug]),
                Structure.groups.contains([asked.procedure_group]),
            )
        )
        .order_by(distance)
        .limit(limit)
    )
    if drop_in:
        query = query.where(Structure.access != "appointment")
    if language:
        query = query.where(or_(Structure.languages == [], Structure.languages.contains([language])))
    found = (await db.execute(query)).all()
    return {
        "procedure": {"slug": asked.slug, "label": asked.label, "documents": asked.documents},
        "place": {"location": {"lat": lat, "lon": lon}, "residence": residence},
        "options": [
            {
                "rank": rank,
                "target": {
                    "type": "structure",
                    "id": structure.id,
                    "kind": structure.kind,
                    "name": structure.name,
                    "address": structure.address,
                    "postal_code": structure.postal_code,
                    "commune": structure.commune,
                    "location": {"lat": structure.lat, "lon": structure.lon},
                    "phone": structure.phone,
                    "email": structure.email,
                    "website": structure.website,
                },
                "distance_m": round(metres),
                "opening": {"hours": structure.opening_hours, "checked_on": structure.hours_checked_on},
                "access": structure.access,
            }
            for rank, (structure, metres) in enumerate(found, 1)
        ],
    }
