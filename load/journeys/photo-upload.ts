// A technician takes a photo of a worn part and uploads it. Right when the site says where it is and knows it by the same hash.
import { chanceOf } from '../chance.ts';
import { jsonOf } from '../classify.ts';
import { formOf, photoBytes } from '../photo.ts';
import { resultOf } from '../result.ts';
import type { Plan } from '../turn.ts';

/** As a phone sends a photo that was scaled down for the purpose. */
const bytesOfPhoto = 30_000;

export const photoUpload: Plan = (task, iteration) => ({
  play(send, tools) {
    const name = `${task.runId}-photo-${iteration}`;
    const photo = photoBytes(chanceOf(task.seed, 'photo-upload', iteration), name, bytesOfPhoto);
    const form = formOf(
      `shakedown-${name}`,
      { is_private: '1', folder: 'Home' },
      { name: `${name}.jpg`, type: 'image/jpeg', bytes: photo },
    );
    const answer = send('POST', '/api/method/upload_file', form.bytes, { contentType: form.contentType });
    const file = jsonOf(answer)?.message as Record<string, unknown> | null | undefined;
    const kept = typeof file?.file_url === 'string' && file.file_url.startsWith('/private/files/');
    return resultOf(answer, kept && file.content_hash === tools.md5(photo.buffer as ArrayBuffer));
  },
});
