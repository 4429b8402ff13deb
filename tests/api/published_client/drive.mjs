// Does everything the published client offers, once, against the server it is given.
import assert from "node:assert/strict";
import {
  ApiRequestError,
  AuthenticationError,
  HMSSovereign,
  InsufficientCreditsError,
  NotFoundError,
  RateLimitError,
  Webhooks,
  WebhookVerificationError,
} from "./client.mjs";

const given = JSON.parse(process.env.GIVEN);
const options = { baseUrl: given.base_url, maxRetries: 0 };
const client = new HMSSovereign({ ...options, apiKey: given.key });
const agency = new HMSSovereign({ ...options, apiKey: given.agency_key });
const poor = new HMSSovereign({ ...options, apiKey: given.poor_key });
const nobody = "01977d5e-7c00-7000-8000-000000000001";

const steps = {
  async assistants() {
    const made = await client.assistants.create({
      name: "Front desk",
      business_name: "Bakery",
      notification_email: "dora@bakery.example",
      first_message: "Hello.",
      max_duration_seconds: 300,
      autonomous_silence_handling: true,
      silence_timeout_seconds: 8,
      voicemail_detection: true,
      voicemail_message: "Please call back.",
      gdpr_mode: false,
      webhook_url: "https://example.com/webhook",
      webhook_secret: "our own words",
      webhook_events: ["tool-calls", "end-of-call-report"],
      llm_config: {
        provider: "demo",
        model: "demo-1",
        temperature: 0.7,
        messages: [{ role: "system", content: "Be brief." }],
        tools: [
          {
            type: "function",
            function: { name: "check_slot", description: "Is it free?", parameters: { type: "object", properties: {} } },
            server: { url: "https://example.com/tool", secret: "hush" },
            async: false,
          },
        ],
      },
    });
    assert.equal(made.webhook_url, "https://example.com/webhook");
    assert.equal(made.is_active, true);
    assert.ok(made.created_at && made.updated_at && made.stt_config && made.tts_config);
    const changed = await client.assistants.update(made.id, { first_message: "Hi.", notification_email: null, is_active: false });
    assert.equal(changed.first_message, "Hi.");
    assert.equal(changed.is_active, false);
    assert.equal((await client.assistants.get(made.id)).name, "Front desk");
    assert.ok((await client.assistants.list()).some((one) => one.id === made.id));
    await client.assistants.delete(made.id);
    await assert.rejects(client.assistants.get(made.id), NotFoundError);
  },
  async numbers() {
    const made = await client.numbers.create({ phone_number: "+31201234599", agent_id: given.assistant_id, is_active: true });
    assert.equal(made.phone_number, "+31201234599");
    assert.equal(made.agent_id, given.assistant_id);
    await assert.rejects(
      client.numbers.create({ phone_number: "+31201234599" }),
      (error) => error instanceof ApiRequestError && error.status === 409,
    );
    const changed = await client.numbers.update(made.id, { agent_id: null, is_active: false });
    assert.equal(changed.agent_id, null);
    assert.equal((await client.numbers.get(made.id)).is_active, false);
    assert.ok((await client.numbers.list()).length >= 2);
    await client.numbers.delete(made.id);
  },
  async calls() {
    const started = await client.calls.create({ destination: "+31612345678", assistant_id: given.assistant_id, first_message: "Hi." });
    assert.deepEqual([started.success, started.status], [true, "dialing"]);
    await client.calls.create({ destination: "+31612345678", assistant_id: given.assistant_id, assistant_override: { first_message: "You!" } });
    await client.calls.create({ destination: "+31612345678", assistant: { llm_config: { provider: "demo", model: "demo-1", messages: [] }, metadata: { a: 1 } } });
    const call = await client.calls.get(started.call_id);
    assert.equal(call.direction, "outbound");
    assert.ok(Array.isArray(call.messages));
    const page = await client.calls.list({ limit: 2, start_date: "2020-01-01" });
    assert.equal(page.data.length, 2);
    assert.equal(page.hasMore, true);
    assert.equal((await client.calls.listAll().toArray()).length, page.pagination.total);
    const walked = [];
    for await (const one of client.calls.listAll({ direction: "outbound" })) walked.push(one.id);
    assert.ok(walked.includes(started.call_id));
    const second = await client.calls.list({ limit: 2, offset: page.nextOffset });
    assert.equal(second.data.some((one) => page.data.map((it) => it.id).includes(one.id)), false);
    const live = given.live_call_id;
    for (const sent of [
      await client.calls.injectContext(live, "The code is 1234.", true),
      await client.calls.say(live, "One moment."),
      await client.calls.control(live, { type: "say", content: "Still there?", end_after: false }),
      await client.calls.transfer(live, "+31201234567", "One moment."),
      await client.calls.end(live, "Goodbye."),
    ]) assert.equal(sent.success, true);
    await assert.rejects(
      client.calls.transfer(started.call_id, "+31201234567"),
      (error) => error instanceof ApiRequestError && error.status === 400,
    );
  },
  async campaigns() {
    const made = await client.campaigns.create({
      name: "Spring",
      agent_id: given.assistant_id,
      system_message_template: "Call {{name}}.",
      schedule_start_time: "09:00",
      schedule_end_time: "17:00",
      timezone: "Europe/Amsterdam",
      leads: [{ phone_number: "+31612345678", name: "Zoë", variables: { name: "Zoë" } }],
    });
    assert.deepEqual([made.status, made.agent_id, made.total_leads], ["draft", given.assistant_id, 1]);
    const lead = await client.campaigns.addLead(made.id, { phone_number: "+31612345679", variables: {} });
    assert.equal(lead.status, "pending");
    const { leads, pagination } = await client.campaigns.listLeads(made.id, { limit: 1, offset: 1 });
    assert.deepEqual([leads.length, pagination.total], [1, 2]);
    await client.campaigns.removeLead(made.id, lead.id);
    assert.equal((await client.campaigns.update(made.id, { name: "Summer" })).name, "Summer");
    assert.equal((await client.campaigns.get(made.id)).total_leads, 1);
    assert.ok((await client.campaigns.list()).length);
    await client.campaigns.delete(made.id);
  },
  async trunks() {
    const made = await client.sipTrunks.create({
      name: "Office",
      provider: "other",
      inbound_addresses: ["203.0.113.7"],
      outbound_address: "sip.example.com",
      outbound_number: "+31201234567",
      auth_username: "bakery",
      auth_password: "hush hush",
    });
    assert.equal(made.outbound_address, "sip.example.com");
    assert.equal(JSON.stringify(made).includes("hush hush"), false);
    assert.equal((await client.sipTrunks.get(made.id)).name, "Office");
    assert.ok((await client.sipTrunks.list()).length);
    await client.sipTrunks.delete(made.id);
  },
  async voices() {
    const [voice] = await client.voices.list();
    assert.ok(voice.id && voice.name && voice.description.en && voice.description.nl);
  },
  async usage() {
    const found = await client.usage.list({ limit: 10, start_date: "2020-01-01", end_date: "2040-01-01" });
    assert.ok(Array.isArray(found.logs) && "total_duration_minutes" in found.summary);
    assert.equal((await client.usage.listAll().toArray()).length, found.pagination.total);
  },
  async byok() {
    assert.equal((await client.byok.get()).byok_keys.deepgram_secret_id, null);
    const set = await client.byok.set({ provider: "deepgram", api_key: "a-key-of-ours-0123456789" });
    assert.ok(set.success && set.byok_keys.deepgram_secret_id);
    assert.equal(JSON.stringify(await client.byok.getConfig()).includes("a-key-of-ours"), false);
    const gone = await client.byok.delete({ provider: "deepgram" });
    assert.equal(gone.byok_keys.deepgram_secret_id, null);
  },
  async toolTemplates() {
    const made = await client.toolTemplates.create({
      name: "Slots",
      description: "Is it free?",
      function_definition: { name: "check_slot", description: "Is it free?", parameters: { type: "object", properties: {} } },
      server_url: "https://example.com/tool",
      server_secret: "hush",
      async: false,
    });
    assert.equal(made.function_definition.name, "check_slot");
    assert.equal(made.server_url, "https://example.com/tool");
    assert.equal((await client.toolTemplates.update(made.id, { name: "Times" })).name, "Times");
    assert.equal((await client.toolTemplates.get(made.id)).name, "Times");
    assert.ok((await client.toolTemplates.list()).length);
    await client.toolTemplates.delete(made.id);
  },
  async analysisTemplates() {
    const made = await client.analysisTemplates.create({ name: "Mood", description: "How it went", schema: { type: "object", properties: { mood: { type: "string" } } } });
    assert.equal(made.schema.type, "object");
    assert.equal((await client.analysisTemplates.update(made.id, { name: "Moods" })).name, "Moods");
    assert.equal((await client.analysisTemplates.get(made.id)).name, "Moods");
    assert.ok((await client.analysisTemplates.list()).length);
    await client.analysisTemplates.delete(made.id);
  },
  async domains() {
    const made = await agency.domains.create({ domain: "mail.acme.example" });
    assert.equal(made.domain, "mail.acme.example");
    assert.deepEqual([(await agency.domains.get()).id, made.verified], [made.id, false]);
    assert.equal((await agency.domains.refresh()).id, made.id);
    assert.equal((await agency.domains.verify()).verified, true);
    await agency.domains.delete();
    await assert.rejects(agency.domains.get(), NotFoundError);
    const [theirs] = await agency.domains.listResendDomains();
    assert.equal(theirs.name, "mail.acme.example");
    assert.equal((await agency.domains.syncResendDomain({ domain_id: theirs.id })).success, true);
    assert.equal((await agency.domains.get()).verified, true);
  },
  async organizations() {
    const mine = await client.organizations.get();
    assert.ok(mine.id && mine.name && mine.created_at && mine.plan);
    assert.equal(typeof mine.credits_balance, "number");
    const made = await agency.organizations.create({ name: "Florist", email: "fleur@florist.example" });
    const florist = new HMSSovereign({ ...options, apiKey: made.api_key });
    assert.equal((await florist.organizations.get()).id, made.id);
  },
  async errors() {
    const stranger = new HMSSovereign({ ...options, apiKey: "fl_live_wrong" });
    await assert.rejects(stranger.assistants.list(), AuthenticationError);
    await assert.rejects(client.calls.get(nobody), NotFoundError);
    await assert.rejects(
      poor.calls.create({ destination: "+31612345678", assistant_id: given.poor_assistant_id }),
      InsufficientCreditsError,
    );
    assert.throws(() => new HMSSovereign({ ...options, apiKey: "" }), AuthenticationError);
    await assert.rejects(
      client.numbers.create({ phone_number: "nonsense" }),
      (error) => error instanceof ApiRequestError && error.status === 400,
    );
  },
  async limits() {
    const limited = new HMSSovereign({ ...options, apiKey: given.limited_key });
    await assert.rejects(
      async () => { for (let sent = 0; sent < 3; sent++) await limited.voices.list(); },
      (error) => error instanceof RateLimitError && error.status === 429 && error.retryAfter >= 1,
    );
  },
  async webhooks() {
    const { headers, body, secret } = given.webhook;
    const payload = Webhooks.verify({
      payload: body,
      signature: headers[Webhooks.HEADERS.SIGNATURE],
      timestamp: headers[Webhooks.HEADERS.TIMESTAMP],
      secret,
    });
    assert.equal(payload.message.type, headers[Webhooks.HEADERS.EVENT]);
    // What the client signs itself is what we sign, and too old a message is refused.
    const stamp = headers[Webhooks.HEADERS.TIMESTAMP];
    assert.equal(Webhooks.sign(body, secret, Number(stamp)).signature, headers[Webhooks.HEADERS.SIGNATURE]);
    const old = Webhooks.sign(body, secret, Number(stamp) - 301);
    assert.throws(() => Webhooks.verify({ payload: body, ...old, secret }), WebhookVerificationError);
    assert.throws(() => Webhooks.verify({ payload: `${body} `, signature: headers[Webhooks.HEADERS.SIGNATURE], timestamp: headers[Webhooks.HEADERS.TIMESTAMP], secret }));
  },
};

const done = {};
for (const name of process.argv.slice(2)) {
  try {
    await steps[name]();
    done[name] = "ok";
  } catch (error) {
    done[name] = `${error.name}: ${error.stack}\n${JSON.stringify(error)}`;
  }
}
console.log(JSON.stringify(done));
