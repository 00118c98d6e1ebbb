import { defineErrors } from '../../foundation/errors.js';

/**
 * 413: too much of it. 415: not a kind of file that is taken. 422: the right kind, but broken or wrongly sent.
 */
export const imageErrors = defineErrors({
  asset_not_found: { status: 404, retryable: false, title: 'There is no such asset.' },
  asset_too_large: { status: 413, retryable: false, title: 'The file is larger than allowed.' },
  asset_type_unsupported: {
    status: 415,
    retryable: false,
    title: 'The file is not of a type that is taken.',
  },
  asset_name_invalid: { status: 422, retryable: false, title: 'The name of the file is not acceptable.' },
  asset_empty: { status: 422, retryable: false, title: 'The file is empty.' },
  image_too_many_pixels: { status: 413, retryable: false, title: 'The image has more pixels than allowed.' },
  image_corrupt: { status: 422, retryable: false, title: 'The image is incomplete or damaged.' },
  image_unchanged: {
    status: 500,
    retryable: false,
    title: 'The enhancement left the image as it was; nothing was delivered.',
  },
  image_output_invalid: {
    status: 500,
    retryable: true,
    title: 'The enhanced image did not pass its check; nothing was delivered.',
  },
  image_timeout: { status: 503, retryable: true, title: 'Working on the image took too long.' },
  image_model_unavailable: {
    status: 503,
    retryable: true,
    title: 'The library that works on images cannot be loaded here.',
  },
  enhancement_not_found: {
    status: 404,
    retryable: false,
    title: 'The job has no record of the enhancement that it should do.',
  },
  output_not_found: { status: 404, retryable: false, title: 'There is no output of such a job.' },
  output_range_invalid: { status: 416, retryable: false, title: 'The range lies outside the file.' },
  output_not_ready: {
    status: 409,
    retryable: true,
    title: 'The job has not succeeded, so there is no output.',
  },
});
