// What makes a bucket of the lab's object store one to rely on: every version of an object is kept, and who writes to it can neither take one
// away nor switch that off. Said over the store's own API, signed, so that no key is ever an argument of a program.
import { AwsClient } from 'aws4fetch';

export interface Keys {
  readonly accessKey: string;
  readonly secretKey: string;
}

const answerMsMax = 10_000;

/** Safe to run again: a user's key that has changed is changed in the store. */
export async function prepareBucket(endpoint: string, root: Keys, bucket: string, user: Keys): Promise<void> {
  const client = new AwsClient({
    accessKeyId: root.accessKey,
    secretAccessKey: root.secretKey,
    region: 'us-east-1',
    service: 's3',
    retries: 0,
  });
  const ask = async (what: string, method: 'PUT' | 'PATCH', path: string, body = '', fine?: number): Promise<void> => {
    const answer = await client.fetch(`${endpoint}${path}`, { method, body, signal: AbortSignal.timeout(answerMsMax) });
    const text = await answer.text();
    if (answer.ok || answer.status === fine) return;
    throw new Error(`object store: ${what}: answered ${answer.status} ${/<Code>(\w+)<\/Code>/.exec(text)?.[1] ?? ''}`);
  };
  const account = `<Account><Access>${user.accessKey}</Access><Secret>${user.secretKey}</Secret><Role>user</Role></Account>`;
  const changed = `<MutableProps><Secret>${user.secretKey}</Secret><Role>user</Role></MutableProps>`;
  // 409: there already.
  await ask(`user ${user.accessKey}`, 'PATCH', '/create-user', account, 409);
  await ask(`key of user ${user.accessKey}`, 'PATCH', `/update-user?access=${user.accessKey}`, changed);
  await ask(`bucket ${bucket}`, 'PUT', `/${bucket}`, '', 409);
  const versioning = '<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>';
  await ask(`versions of ${bucket}`, 'PUT', `/${bucket}?versioning`, versioning);
  await ask(`policy of ${bucket}`, 'PUT', `/${bucket}?policy`, JSON.stringify(policy(bucket, user.accessKey)));
}

const policy = (bucket: string, user: string): unknown => ({
  Version: '2012-10-17',
  Statement: [
    // Without the right to list, a missing object would be answered as a forbidden one.
    allow(user, ['s3:ListBucket', 's3:ListBucketVersions'], `arn:aws:s3:::${bucket}`),
    allow(user, ['s3:GetObject', 's3:GetObjectVersion', 's3:PutObject'], `arn:aws:s3:::${bucket}/*`),
  ],
});

const allow = (user: string, actions: readonly string[], resource: string): unknown => ({
  Effect: 'Allow',
  Principal: { AWS: [user] },
  Action: actions,
  Resource: resource,
});
