// What goes over the queue's Redis from whoever writes documents to whoever holds browsers: Frappe's own channel, message and rooms.
import { z } from 'zod';

export const channel = 'events';

/** Without a room it is for everybody at the site. */
export const eventSchema = z.object({
  event: z.string().min(1),
  message: z.unknown(),
  room: z.string().nullish(),
  namespace: z.string(),
});

export type SiteEvent = z.infer<typeof eventSchema>;

export const rooms = {
  doctype: (doctype: string): string => `doctype:${doctype}`,
  document: (doctype: string, name: string): string => `doc:${doctype}/${name}`,
  user: (user: string): string => `user:${user}`,
  task: (id: string): string => `task_progress:${id}`,
  /** Whoever is connected, guests too. */
  website: 'website',
  /** Whoever has a role. */
  site: 'all',
} as const;
