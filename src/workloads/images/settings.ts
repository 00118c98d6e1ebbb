import { defineSection, type ValuesOf } from '../../config/section.js';
import { bytes, integer, text } from '../../config/setting.js';

export const imagesSection = defineSection({
  name: 'images',
  settings: {
    uploadsDir: text({
      env: 'UPLOADS_DIR',
      help: 'Folder of uploaded images. Unset: uploads/ below SIGNALBOX_HOME.',
      fallback: undefined,
    }),
    outputsDir: text({
      env: 'OUTPUTS_DIR',
      help: 'Folder of enhanced images. Unset: outputs/ below SIGNALBOX_HOME.',
      fallback: undefined,
    }),
    maxUploadBytes: bytes({
      env: 'IMAGES_MAX_UPLOAD',
      help: 'Largest file that is accepted as an image.',
      fallback: 25 * 1_048_576,
      min: 1_024,
      max: 500 * 1_048_576,
    }),
    maxPixels: integer({
      env: 'IMAGES_MAX_PIXELS',
      help: 'Most pixels of an image. Working on one takes about 8 bytes of memory for each.',
      fallback: 50_000_000,
      min: 1_000,
      max: 250_000_000,
    }),
  },
});

export type ImagesSettings = ValuesOf<typeof imagesSection.settings>;
