// What jobs call, in Frappe's own words: who queues a job and who runs it meet here.
export const pingMethod = 'frappe.ping';
export const notificationMethod = 'frappe.desk.doctype.notification_log.notification_log.make_notification_logs';
export const executeActionMethod = 'frappe.model.document.execute_action';
export const bulkActionMethod = 'frappe.desk.doctype.bulk_update.bulk_update._bulk_action';
export const runScheduledJobMethod = 'frappe.core.doctype.scheduled_job_type.scheduled_job_type.run_scheduled_job';
