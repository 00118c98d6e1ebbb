import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { AbortReason } from '../../foundation/abort.js';
import { isId } from '../../foundation/ids.js';
import type { HttpApp } from '../../http/app.js';
import { httpErrors } from '../../http/errors.js';
import { decodeCursor, pageOf, pageQuery, toPage } from '../../http/pagination.js';
import { problems } from '../../http/problem.js';
import type { Principal } from '../../identity/principal.js';
import type { ObjectStore } from '../../storage/object-store.js';
import { formatOf, imageContentTypes } from './formats.js';
import type { Images } from './images.js';
import { uploadParts } from './multipart.js';
import type { Asset } from './records.js';
import { sendObject } from './send-object.js';

export interface RouteDeps {
  readonly images: Images;
  readonly uploads: ObjectStore;
  readonly outputs: ObjectStore;
}

const idParams = z.strictObject({ id: z.uuid().max(36) });

const assetSchema = z
  .object({
    id: z.string(),
    filename: z.string().describe('As it was called; for people only'),
    content_type: z.enum(imageContentTypes),
    bytes: z.int(),
    width: z.int().describe('As it is seen, with the orientation applied that the camera noted'),
    height: z.int(),
    created_at: z.string(),
    links: z.object({ self: z.string(), file: z.string() }),
  })
  .meta({ id: 'Asset' });

const imageResponse = {
  description: 'The image, or the range of it that was asked for',
  content: Object.fromEntries(
    imageContentTypes.map((type) => [type, { schema: z.string().meta({ format: 'binary' }) }]),
  ),
};
const download = { 200: imageResponse, 206: imageResponse };

export async function registerImageRoutes(app: HttpApp, deps: RouteDeps): Promise<void> {
  registerAssets(app, deps);
  registerDownloads(app, deps);
}

function registerAssets(app: HttpApp, { images }: RouteDeps): void {
  app.post(
    '/assets',
    {
      config: {
        permission: 'assets:write',
        bodies: { 'multipart/form-data': z.strictObject({ file: z.file() }) },
      },
      schema: {
        summary: 'Upload an image',
        description:
          'JPEG, PNG or WebP, in the field `file`. What the file is, its content says and not its name.',
        tags: ['images'],
        consumes: ['multipart/form-data'],
        response: { 201: assetSchema, ...problems(400, 413, 415, 422, 503) },
      },
    },
    async (request, reply) => {
      if (!request.isMultipart()) {
        throw httpErrors.body_missing('Send the image as multipart/form-data in the field file.', {
          fields: [{ field: 'file', message: 'is required' }],
        });
      }
      const signal = disconnection(reply);
      const asset = await images.upload(request.principal.id, uploadParts(request), {
        signal,
        logger: request.logger,
      });
      return reply.code(201).header('location', `/assets/${asset.id}`).send(assetJson(asset));
    },
  );
  app.get(
    '/assets',
    {
      config: { permission: 'assets:read' },
      schema: {
        summary: 'List images, newest first',
        tags: ['images'],
        querystring: z.strictObject(pageQuery),
        response: { 200: pageOf(assetSchema), ...problems(422) },
      },
    },
    async ({ query: { cursor, limit }, principal }) => {
      const before = decodeCursor(cursor, isId);
      const assets = await images.assets({ owner: ownerFilter(principal), before, limit: limit + 1 });
      const { items, nextCursor } = toPage(assets, limit, ({ id }) => id);
      return { items: items.map(assetJson), next_cursor: nextCursor };
    },
  );
  app.get(
    '/assets/:id',
    {
      config: { permission: 'assets:read' },
      schema: {
        summary: 'One image',
        tags: ['images'],
        params: idParams,
        response: { 200: assetSchema, ...problems(404, 422) },
      },
    },
    async ({ params, principal }) => assetJson(await images.asset(params.id, ownerFilter(principal))),
  );
}

function registerDownloads(app: HttpApp, { images, uploads, outputs }: RouteDeps): void {
  app.route({
    method: ['GET', 'HEAD'],
    url: '/assets/:id/file',
    exposeHeadRoute: false,
    config: { permission: 'assets:read' },
    schema: {
      summary: 'Download the original',
      tags: ['images'],
      params: idParams,
      response: { ...download, ...problems(404, 416, 422, 503) },
    },
    handler: async (request, reply) => {
      const asset = await images.asset(request.params.id, ownerFilter(request.principal));
      return sendObject(request, reply, uploads, { ...asset, key: asset.objectKey });
    },
  });
  app.route({
    method: ['GET', 'HEAD'],
    url: '/jobs/:id/output',
    exposeHeadRoute: false,
    config: { permission: 'jobs:read' },
    schema: {
      summary: 'Download the enhanced image',
      tags: ['images'],
      params: idParams,
      response: { ...download, ...problems(404, 409, 416, 422, 503) },
    },
    handler: async (request, reply) => {
      const { output, asset } = await images.output(request.params.id, ownerFilter(request.principal));
      const name = asset.filename.replace(/\.[^.]*$/, '') || 'image';
      const filename = `${name}-enhanced.${formatOf(output.contentType).extension}`;
      return sendObject(request, reply, outputs, { ...output, filename });
    },
  });
}

/** The owner to whose images a principal is limited: the rule for jobs holds for what they are made of. */
function ownerFilter(principal: Principal): string | undefined {
  return principal.has('jobs:all') ? undefined : principal.id;
}

/** Fires when the caller is gone before the answer. */
function disconnection(reply: FastifyReply): AbortSignal {
  const controller = new AbortController();
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) {
      controller.abort(new AbortReason('disconnected', 'the caller went away before the answer'));
    }
  });
  return controller.signal;
}

function assetJson(asset: Asset): z.output<typeof assetSchema> {
  const self = `/assets/${asset.id}`;
  return {
    id: asset.id,
    filename: asset.filename,
    content_type: asset.contentType,
    bytes: asset.bytes,
    width: asset.width,
    height: asset.height,
    created_at: asset.createdAt.toISOString(),
    links: { self, file: `${self}/file` },
  };
}
