import { many, one, type Queryable } from '../../database/queryable.js';
import type { Tier } from './adapters/model.js';
import type { ImageContentType } from './formats.js';
import type { Asset, Enhancement, Output } from './records.js';
import type { Style } from './style.js';

interface AssetRow {
  id: string;
  owner: string;
  filename: string;
  content_type: ImageContentType;
  /** bigint comes as text. */
  bytes: string;
  width: number;
  height: number;
  sha256: string;
  object_key: string;
  created_at: Date;
}

const assetColumns =
  'id, owner, filename, content_type, bytes, width, height, sha256, object_key, created_at';

function toAsset(row: AssetRow): Asset {
  return Object.freeze({
    id: row.id,
    owner: row.owner,
    filename: row.filename,
    contentType: row.content_type,
    bytes: Number(row.bytes),
    width: row.width,
    height: row.height,
    sha256: row.sha256,
    objectKey: row.object_key,
    createdAt: row.created_at,
  });
}

const insertAssetSql = `
  insert into signalbox.asset (id, owner, filename, content_type, bytes, width, height, sha256, object_key)
  values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`;

/** Records an asset before its object is stored: it is seen by nobody until `markAssetStored`. */
export async function insertAsset(db: Queryable, asset: Omit<Asset, 'createdAt'>): Promise<void> {
  const { id, owner, filename, contentType, bytes, width, height, sha256, objectKey } = asset;
  await db.query(insertAssetSql, [id, owner, filename, contentType, bytes, width, height, sha256, objectKey]);
}

const markAssetStoredSql = `
  update signalbox.asset set stored_at = now() where id = $1 returning ${assetColumns}`;

/** `undefined` when it was swept meanwhile. */
export async function markAssetStored(db: Queryable, id: string): Promise<Asset | undefined> {
  const row = await one<AssetRow>(db, markAssetStoredSql, [id]);
  return row && toAsset(row);
}

// The owner is part of the question, so that somebody else's asset is answered like none. By primary key.
const findAssetSql = `
  select ${assetColumns} from signalbox.asset
  where id = $1 and stored_at is not null and ($2::text is null or owner = $2)`;

/** `owner` undefined: whosever it is. */
export async function findAsset(
  db: Queryable,
  id: string,
  owner: string | undefined,
): Promise<Asset | undefined> {
  const row = await one<AssetRow>(db, findAssetSql, [id, owner]);
  return row && toAsset(row);
}

// Newest first; index `asset_by_owner`, or the primary key for those who see everybody's.
const listAssetsSql = `
  select ${assetColumns} from signalbox.asset
  where stored_at is not null and ($1::text is null or owner = $1) and ($2::uuid is null or id < $2)
  order by id desc limit $3`;

export async function listAssets(
  db: Queryable,
  filter: { owner: string | undefined; before: string | undefined; limit: number },
): Promise<Asset[]> {
  const rows = await many<AssetRow>(db, listAssetsSql, [filter.owner, filter.before, filter.limit]);
  return rows.map(toAsset);
}

const deleteUnstoredAssetSql = `delete from signalbox.asset where id = $1 and stored_at is null`;

/** @returns whether it was there and unstored */
export async function deleteUnstoredAsset(db: Queryable, id: string): Promise<boolean> {
  const { rowCount } = await db.query(deleteUnstoredAssetSql, [id]);
  return (rowCount ?? 0) > 0;
}

// Index `asset_unstored`: reads only what is left over.
const listUnstoredAssetsSql = `
  select id, object_key from signalbox.asset
  where stored_at is null and created_at < now() - make_interval(secs => $1) order by created_at limit 100`;

/** Assets whose upload began longer ago and never came to its end: their process died. */
export async function listUnstoredAssets(
  db: Queryable,
  olderThanSeconds: number,
): Promise<{ id: string; objectKey: string }[]> {
  const rows = await many<{ id: string; object_key: string }>(db, listUnstoredAssetsSql, [olderThanSeconds]);
  return rows.map((row) => ({ id: row.id, objectKey: row.object_key }));
}

interface EnhancementRow {
  id: string;
  asset_id: string;
  owner: string;
  tier: Tier;
  prompt: string;
  style: Style;
  price: number;
  output_key: string | null;
  output_content_type: ImageContentType;
  output_bytes: string;
  output_width: number;
  output_height: number;
  output_sha256: string;
}

const enhancementColumns = `id, asset_id, owner, tier, prompt, style, price, output_key, output_content_type,
  output_bytes, output_width, output_height, output_sha256`;

function toEnhancement(row: EnhancementRow): Enhancement {
  const output: Output | undefined =
    row.output_key === null
      ? undefined
      : Object.freeze({
          key: row.output_key,
          contentType: row.output_content_type,
          bytes: Number(row.output_bytes),
          width: row.output_width,
          height: row.output_height,
          sha256: row.output_sha256,
        });
  return Object.freeze({
    id: row.id,
    assetId: row.asset_id,
    owner: row.owner,
    tier: row.tier,
    prompt: row.prompt,
    style: row.style,
    price: row.price,
    output,
  });
}

const insertEnhancementSql = `
  insert into signalbox.enhancement (id, asset_id, owner, tier, prompt, style, price)
  values ($1, $2, $3, $4, $5, $6, $7)`;

export async function insertEnhancement(
  db: Queryable,
  enhancement: Omit<Enhancement, 'output'>,
): Promise<void> {
  const { id, assetId, owner, tier, prompt, style, price } = enhancement;
  await db.query(insertEnhancementSql, [id, assetId, owner, tier, prompt, style, price]);
}

// By primary key.
const findEnhancementsSql = `select ${enhancementColumns} from signalbox.enhancement where id = any($1::uuid[])`;

export async function findEnhancements(db: Queryable, ids: readonly string[]): Promise<Enhancement[]> {
  return (await many<EnhancementRow>(db, findEnhancementsSql, [ids])).map(toEnhancement);
}

export async function findEnhancement(db: Queryable, id: string): Promise<Enhancement | undefined> {
  return (await findEnhancements(db, [id]))[0];
}

// The row lock makes the first attempt win: a second one waits, sees the key and changes nothing.
const recordOutputSql = `
  update signalbox.enhancement set output_key = $2, output_content_type = $3, output_bytes = $4,
    output_width = $5, output_height = $6, output_sha256 = $7, output_at = now()
  where id = $1 and output_key is null`;

/** @returns false when another attempt was first */
export async function recordOutput(db: Queryable, id: string, output: Output): Promise<boolean> {
  const { key, contentType, bytes, width, height, sha256 } = output;
  const { rowCount } = await db.query(recordOutputSql, [id, key, contentType, bytes, width, height, sha256]);
  return (rowCount ?? 0) > 0;
}
