/** The kinds of image that are taken, worked on and given back: each stays what it is. */
export const imageFormats = [
  { format: 'jpeg', contentType: 'image/jpeg', extension: 'jpg', label: 'JPEG' },
  { format: 'png', contentType: 'image/png', extension: 'png', label: 'PNG' },
  { format: 'webp', contentType: 'image/webp', extension: 'webp', label: 'WebP' },
] as const;

export type ImageFormat = (typeof imageFormats)[number];
export type ImageContentType = ImageFormat['contentType'];

export const imageContentTypes = imageFormats.map(({ contentType }) => contentType);

export function formatOf(contentType: ImageContentType): ImageFormat {
  return imageFormats.find((known) => known.contentType === contentType) as ImageFormat;
}
