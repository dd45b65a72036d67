// What a job may call, by the dotted name that Frappe has for it. A name that isn't here fails the job, as an import error does there.
import { submitByJob } from '../stock-reconciliation.ts';
import type { Workshop } from '../workshop.ts';
import { bulkAction } from './bulk-update.ts';
import type { Job } from './job.ts';
import {
  bulkActionMethod,
  executeActionMethod,
  notificationMethod,
  pingMethod,
  runScheduledJobMethod,
} from './method-names.ts';
import { makeNotification } from './notifications.ts';
import { runScheduledJob } from './scheduled-jobs.ts';

type JobMethod = (workshop: Workshop, job: Job) => Promise<unknown>;

const methods: Readonly<Record<string, JobMethod>> = {
  [pingMethod]: async ({ database }) => database.rows('SELECT 1'),
  [notificationMethod]: makeNotification,
  [executeActionMethod]: submitByJob,
  [bulkActionMethod]: (workshop, { call }) =>
    bulkAction(workshop, call.user, call.kwargs.doctype, call.kwargs.docnames, call.kwargs.action),
  [runScheduledJobMethod]: (workshop, { call }) => runScheduledJob(workshop, String(call.kwargs.job_type)),
};

export async function runJob(workshop: Workshop, job: Job): Promise<void> {
  const { method } = job.call;
  const run = Object.hasOwn(methods, method) ? methods[method] : undefined;
  if (!run) throw new Error(`workshop/jobs: there is no method ${method} to run`);
  await run(workshop, job);
}
