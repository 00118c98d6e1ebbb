import { z } from 'zod';
import type { FormFields } from '../../http/form.js';
import { assertStrict } from '../../http/strictness.js';
import { checkOrThrow } from '../../http/validation.js';
import type { JobForm, Workload } from '../../workloads/manifest.js';
import { apiErrors } from '../errors.js';
import type { NewJobBody } from './schemas.js';

/** The forms of every workload. @throws TypeError for one that is lax, or that cannot be told from another */
export function collectForms(workloads: readonly Workload[]): readonly JobForm[] {
  const forms = workloads.flatMap((workload) => workload.forms);
  const seen = new Map<string, string>();
  for (const form of forms) {
    assertStrict(`form of ${form.task}`, form.schema);
    const names = namesOf(form).sort().join(', ');
    const other = seen.get(names);
    if (other !== undefined)
      throw new TypeError(`The forms of ${other} and ${form.task} have the same fields.`);
    seen.set(names, form.task);
  }
  return forms;
}

/** For OpenAPI: what `POST /jobs` takes as a form. */
export function formSchema(forms: readonly JobForm[]): z.ZodType | undefined {
  const schemas = forms.map((form) => form.schema);
  return schemas.length > 1 ? z.union(schemas) : schemas[0];
}

/**
 * Finds the form by the names of the fields, and makes the same of it as JSON would have been.
 * @throws form_unknown, fields_invalid
 */
export function jobOfForm(forms: readonly JobForm[], fields: FormFields): NewJobBody {
  const form = chooseForm(forms, Object.keys(fields));
  const checked = checkOrThrow(form.schema, fields, { whole: 'body' });
  return { task: form.task, input: form.toInput(checked) };
}

/** The form with the most fields in common, so that one missing or mistyped field is still named as such. */
function chooseForm(forms: readonly JobForm[], given: readonly string[]): JobForm {
  const ranked = forms
    .map((form) => ({ form, common: namesOf(form).filter((name) => given.includes(name)).length }))
    .sort((a, b) => b.common - a.common);
  const [best] = ranked;
  if (best !== undefined && (best.common > 0 || forms.length === 1)) return best.form;
  const accepted = forms.map((form) => `${namesOf(form).join(', ')} (${form.task})`).join('; ');
  throw apiErrors.form_unknown(`Accepted forms: ${accepted || 'none; send JSON'}.`, {
    fields: given
      .map((field) => ({ field: field.slice(0, 200), message: 'is a field of no form' }))
      .slice(0, 20),
  });
}

function namesOf(form: JobForm): string[] {
  return Object.keys(form.schema.shape);
}
