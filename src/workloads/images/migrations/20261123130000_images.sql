-- Up Migration

create table signalbox.asset (
  id uuid primary key,
  owner text not null,
  filename text not null check (filename <> '' and length(filename) <= 255),
  content_type text not null check (content_type in ('image/jpeg', 'image/png', 'image/webp')),
  bytes bigint not null check (bytes > 0),
  width integer not null check (width > 0),
  height integer not null check (height > 0),
  sha256 text not null check (sha256 ~ '^[0-9a-f]{64}$'),
  object_key text not null unique,
  created_at timestamptz not null default now(),
  stored_at timestamptz
);
comment on column signalbox.asset.stored_at is 'null: the row was made, its object is not known to be stored yet';
create index asset_by_owner on signalbox.asset (owner, id desc) where stored_at is not null;
create index asset_unstored on signalbox.asset (created_at) where stored_at is null;

create table signalbox.enhancement (
  id uuid primary key,
  asset_id uuid not null references signalbox.asset (id),
  owner text not null,
  tier text not null check (tier in ('free', 'premium')),
  prompt text not null check (length(prompt) between 1 and 2000),
  style text not null,
  price integer not null check (price >= 0),
  created_at timestamptz not null default now(),
  output_key text unique,
  output_content_type text,
  output_bytes bigint check (output_bytes > 0),
  output_width integer check (output_width > 0),
  output_height integer check (output_height > 0),
  output_sha256 text check (output_sha256 ~ '^[0-9a-f]{64}$'),
  output_at timestamptz,
  constraint enhancement_output_whole check (
    num_nulls(output_key, output_content_type, output_bytes, output_width, output_height, output_sha256,
      output_at) in (0, 7))
);
comment on column signalbox.enhancement.id is 'the id of its job; the job may be gone before it';
comment on column signalbox.enhancement.price is 'whole credits';
create index enhancement_by_asset on signalbox.enhancement (asset_id);

-- Down Migration

drop table signalbox.enhancement;
drop table signalbox.asset;
