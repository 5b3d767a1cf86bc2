/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_smime: any bytes as a message; every layer that opens is opened, down to a few. An input that begins with a DER
 * SEQUENCE is taken as the CMS object itself, so that the fuzzer need not learn base64. The keys are fixed, that seeds
 * stay readable: they protect nothing.
 * What must hold: what is valid has a certificate, texts are printable, what failed hands out nothing.
 */
#include "smime/smime.h"

#include <openssl/err.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LAYERS 4

static const struct limits limits = {
    .message_size = (size_t)1 << 20,
    .memory = (size_t)64 << 10,
    .spool_dir = (char *)"/tmp",
    .header_size = (size_t)16 << 10,
    .header_count = 100,
    .nesting = 8,
    .parts = 50,
    .layers = LAYERS,
    .recipients = 10,
    .signers = 3,
    .certificates = 6,
};

static const char ec_certificate[] = "-----BEGIN CERTIFICATE-----\n"
                                     "MIIB1DCCAXmgAwIBAgIBAjAKBggqhkjOPQQDAjArMSkwJwYDVQQDDCBkb21haW4t\n"
                                     "Y29uZmlkZW50aWFsaXR5LWF1dGhvcml0eTAgFw0yNjExMjMxNDU2MThaGA8yMTI2\n"
                                     "MTAzMDE0NTYxOFowKzEpMCcGA1UEAwwgZG9tYWluLWNvbmZpZGVudGlhbGl0eS1h\n"
                                     "dXRob3JpdHkwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAATI6QAx8r6mu1eA1LAZ\n"
                                     "hufrnpEgz9fynViz1Wi3UUc4UUfhKXVoG7T9Igh6hijsnCIcvoKfC6PRCEX3LtmA\n"
                                     "B5kPo4GLMIGIMB0GA1UdDgQWBBQHC9bXnAWhH39yTbmwV0huaw5w2zAfBgNVHSME\n"
                                     "GDAWgBQHC9bXnAWhH39yTbmwV0huaw5w2zAPBgNVHRMBAf8EBTADAQH/MDUGA1Ud\n"
                                     "EQQuMCyBKmRvbWFpbi1jb25maWRlbnRpYWxpdHktYXV0aG9yaXR5QGFjbWUudGVz\n"
                                     "dDAKBggqhkjOPQQDAgNJADBGAiEArnYn5dZ04DyL9o/Q1oIe/8GKdBsM69TvMhuz\n"
                                     "xxJcxokCIQDwD5y+rXUKyTyYtVHJz7CfiZxIKk3O3H7lnepfDAYJrw==\n"
                                     "-----END CERTIFICATE-----\n";
static const char ec_key[] = "-----BEGIN PRIVATE KEY-----\n"
                             "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgSQKuPiEHcew+9eZE\n"
                             "mS2zsGj7+aBieNuffGVyMCg+UMuhRANCAATI6QAx8r6mu1eA1LAZhufrnpEgz9fy\n"
                             "nViz1Wi3UUc4UUfhKXVoG7T9Igh6hijsnCIcvoKfC6PRCEX3LtmAB5kP\n"
                             "-----END PRIVATE KEY-----\n";
static const char x25519_certificate[] = "-----BEGIN CERTIFICATE-----\n"
                                         "MIIBoDCCAUagAwIBAgIBAzAKBggqhkjOPQQDAjArMSkwJwYDVQQDDCBkb21haW4t\n"
                                         "Y29uZmlkZW50aWFsaXR5LWF1dGhvcml0eTAgFw0yNjExMjMyMDI1MDlaGA8yMTI2\n"
                                         "MTAzMDIwMjUwOVowKzEpMCcGA1UEAwwgZG9tYWluLWNvbmZpZGVudGlhbGl0eS1h\n"
                                         "dXRob3JpdHkwKjAFBgMrZW4DIQAIF+8+hLFPEPz6rCXLkljUePChTvTYKn3ZCZcv\n"
                                         "6vGSZKOBhzCBhDA1BgNVHREELjAsgSpkb21haW4tY29uZmlkZW50aWFsaXR5LWF1\n"
                                         "dGhvcml0eUBhY21lLnRlc3QwCwYDVR0PBAQDAgMIMB0GA1UdDgQWBBQDB0ufEsQ4\n"
                                         "X/pd19Kx/Qh5F7xUqTAfBgNVHSMEGDAWgBRERg+1Tkbjy3QjsBi27ge0CrYCxzAK\n"
                                         "BggqhkjOPQQDAgNIADBFAiAW5GONOd7VMz0lC+9AK1g1Il0j24LQsuGZ2K/7oaGX\n"
                                         "XgIhAL+57v8mlWc6vPhOP0WmuJCXT0lxzT/csNbdz/AWv9zb\n"
                                         "-----END CERTIFICATE-----\n";
static const char x25519_key[] = "-----BEGIN PRIVATE KEY-----\n"
                                 "MC4CAQAwBQYDK2VuBCIEICCRcv4fvxsaxGd9WO/bXTS9ZG03658Tyu/fk+dSHDtH\n"
                                 "-----END PRIVATE KEY-----\n";
static const char rsa_certificate[] = "-----BEGIN CERTIFICATE-----\n"
                                      "MIIDXzCCAkegAwIBAgIBATANBgkqhkiG9w0BAQsFADArMSkwJwYDVQQDDCBkb21h\n"
                                      "aW4tY29uZmlkZW50aWFsaXR5LWF1dGhvcml0eTAgFw0yNjExMjMxNDU2MThaGA8y\n"
                                      "MTI2MTAzMDE0NTYxOFowKzEpMCcGA1UEAwwgZG9tYWluLWNvbmZpZGVudGlhbGl0\n"
                                      "eS1hdXRob3JpdHkwggEiMA0GCSqGSIb3DQEBAQUAA4IBDwAwggEKAoIBAQDlPxDH\n"
                                      "zQK5CUaweSDj02P2KAekW2cM/Ykbn8dk941ZbdRUroMh4dchp3O20eUUJS+G1NT1\n"
                                      "f9Zn9+mndoE5/DbCKzhDDwPmu8PxBHc218bbSTMF5xyzl7cWYw2LoZyObqbhHl5e\n"
                                      "+yA5/KL94o7yIJuirIG8tjK7yock3EY10sZ2ESCOGdExokUP3dVuU3ulKMM7RK5k\n"
                                      "8dkS6CWzdjY+Zol6P58whjQ6T3qEAp2ggwMgmnb4lDy7x17c3sMQMgEfm8egw4R0\n"
                                      "ONxsULufBzycIW2rfr5P+HtIjPN3zlIpkh/6hdW5ZH5vH87+Tu34RaRJ7l/dBYV2\n"
                                      "DhYv0/sKYGT/3LKxAgMBAAGjgYswgYgwHQYDVR0OBBYEFB6OpWrK/v3ihExb6mkv\n"
                                      "tcHDWXkQMB8GA1UdIwQYMBaAFB6OpWrK/v3ihExb6mkvtcHDWXkQMA8GA1UdEwEB\n"
                                      "/wQFMAMBAf8wNQYDVR0RBC4wLIEqZG9tYWluLWNvbmZpZGVudGlhbGl0eS1hdXRo\n"
                                      "b3JpdHlAYWNtZS50ZXN0MA0GCSqGSIb3DQEBCwUAA4IBAQCvBVjzc+m5ydsMnJJP\n"
                                      "Gix3/OACnF1HdiV3TrIgp+qpbT35nCy8VoHewRfbCqBL4PxfS6RbPUqA3Dv1WHOD\n"
                                      "X4KupJ4QQDuuRSJnJ8KQidtaXIwyG3QcD/iYJEKvXRP1iu/CWoNoDfmImrsEdtFx\n"
                                      "QrknfwgSqwQ2HuedKuqGxtjlj3vmWIWJDCEpTZBP9XkXa06lSgYc354HipoBjz09\n"
                                      "wIZay42l0IUBpU9UmaLPGTMkQBBfilsBw2jRJZkPNS8Q51gYU3mtkLhnoE+6rzzP\n"
                                      "kHNH66oa7OWYWQtWplrpajNM4b09UJj9hKQkje/6u6Fum+5ahXzCYx7CyH+OY8ew\n"
                                      "9FrJ\n"
                                      "-----END CERTIFICATE-----\n";
static const char rsa_key[] = "-----BEGIN PRIVATE KEY-----\n"
                              "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQDlPxDHzQK5CUaw\n"
                              "eSDj02P2KAekW2cM/Ykbn8dk941ZbdRUroMh4dchp3O20eUUJS+G1NT1f9Zn9+mn\n"
                              "doE5/DbCKzhDDwPmu8PxBHc218bbSTMF5xyzl7cWYw2LoZyObqbhHl5e+yA5/KL9\n"
                              "4o7yIJuirIG8tjK7yock3EY10sZ2ESCOGdExokUP3dVuU3ulKMM7RK5k8dkS6CWz\n"
                              "djY+Zol6P58whjQ6T3qEAp2ggwMgmnb4lDy7x17c3sMQMgEfm8egw4R0ONxsULuf\n"
                              "BzycIW2rfr5P+HtIjPN3zlIpkh/6hdW5ZH5vH87+Tu34RaRJ7l/dBYV2DhYv0/sK\n"
                              "YGT/3LKxAgMBAAECggEAGqo+Qm9HPMyma0p7l+RzwSMg2G5FS06GTy9DmyvsRhWv\n"
                              "V/ZAjIVfZ6u5mu9JLRGyOIWzC6dGAivlArSXDW6X0/gBAFPTyVfXz8YMM9XfbIxU\n"
                              "IgCi5wTjp/f3kGFI+4xFXvQQWA3vzq7jKpLau7EtSTu1j4TF2/APzirNA9+zc/IL\n"
                              "r3JKbuET1mlJ6mJriIOgLrEE4lDRq6dEiTYWU4n85u7L6Qt16VdAUFIIYgRmyPEv\n"
                              "7Ajab6LVgpY1P6So0QuNWHPnEkCxqjm7e9mCiGSX5EvVhlSZatok8P1d62c1o8Qr\n"
                              "9IWD/hCo+OCs0AzP95KarDFYiVxqQl2E3++Wt59V/QKBgQD3rrBT4nJEMrcQzp8k\n"
                              "8J0h0y/qHE59t+X2gbbCJXLHvqEcmMDa3stfV6LGuWUIZvJ9pMLY38+wMDcP+WiJ\n"
                              "Xi+6Vp0kHfM4L5GyEncUUMUuHgfNlzlxKw2eqtQUe7LEc9rRSxDw8BpTd13CL/Bw\n"
                              "ZpUI13kLy3+O8h5KiSktQop39wKBgQDs8eIfRbvRMZt9eSyIk90/EO10romiEIZC\n"
                              "Hmq9fOq96DoafgAnU3v9opLLUKylE/6FU2OPKhJO8zAeFo4UDw14YmNg1eTKyvSC\n"
                              "sgqexugK/+PA/subnQZw3wjaNx7CjubwH7GZqsqLOcf5wPUOINpjuQNvEGF5JMyE\n"
                              "fw0EHbOQlwKBgFq6pB7mWaM/zK2cctGuTnEgknG40svcvKGTHKZ731LqMsxt7F+A\n"
                              "s5EGYjtXmHn+dB+wZivZuJO65cC1RSTk2qjwp3meewT+7+kCOJq5h7GAEK2wEruw\n"
                              "4LlZrHygX3j1U5fNXrRTz+D5XeAPfY0/FqL5g37dmal8abo2Cl5o/J47AoGBAKH7\n"
                              "fm2Im6yYsEboBvTbuR37MYpaI8dCarZa2vftpQDs+IPR7cL0xMgRUy9hWJWGBLMa\n"
                              "3e4qgdetUxDOtJSr8baB9JRnxYCJnPyYQMBpFIsogogW6BTbFWMmZoPfuMyjKuev\n"
                              "kxeNdegWOUrZie39sa8I9XsBBNHvwU03GivdLjvDAoGALCjcffyMRJv1ubWlgEyk\n"
                              "fg7NkguYfmHDkpP6pwwSBZNfAaF9cWEATPm+fwG/SOPV6eD1jw7talwMHx7/uPYc\n"
                              "acwwb11pRUvw1FiGLNxNX8eHT5LuIpJ35ES2UI1N4EivUsXC8gVuLvR9oICJspua\n"
                              "rDwUFdfC2Th8JfQexkDIyN4=\n"
                              "-----END PRIVATE KEY-----\n";

static struct keys *keys;

static void require(bool holds)
{
    if (!holds)
        abort();
}

static char *write_file(const char *folder, const char *name, const char *text)
{
    char *path = g_build_filename(folder, name, NULL);
    require(g_file_set_contents_full(path, text, -1, G_FILE_SET_CONTENTS_NONE, 0600, NULL));
    return path;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static struct conf conf;
    static struct identity_conf identities[3];
    const char *const texts[][2] = {
        {ec_certificate, ec_key}, {rsa_certificate, rsa_key}, {x25519_certificate, x25519_key}};
    char *folder = g_dir_make_tmp("domsec-fuzz-XXXXXX", NULL);
    struct faults *faults = faults_new();
    struct error error = {0};
    (void)argc;
    (void)argv;
    mime_init();
    require(smime_init(&error));
    conf.file = (char *)"fuzz";
    conf.limits = limits;
    conf.identities = identities;
    conf.identity_count = G_N_ELEMENTS(identities);
    for (size_t i = 0; i < G_N_ELEMENTS(identities); i++) {
        identities[i].domain = (char *)"acme.test";
        identities[i].role = ROLE_DOMAIN_CONFIDENTIALITY;
        g_autofree char *name = g_strdup_printf("%zu.pem", i);
        g_autofree char *key_name = g_strdup_printf("%zu.key", i);
        identities[i].certificate = write_file(folder, name, texts[i][0]);
        g_autofree char *path = write_file(folder, key_name, texts[i][1]);
        identities[i].key = g_strconcat("file:", path, NULL);
    }
    keys = keys_open(&conf, NULL, faults);
    require(keys != NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(identities); i++) {
        unlink(identities[i].certificate);
        unlink(identities[i].key + strlen("file:"));
    }
    rmdir(folder);
    g_free(folder);
    faults_free(faults);
    return 0;
}

static void require_printable(const char *text)
{
    for (; *text != '\0'; text++)
        require((unsigned char)*text >= 0x20 && *text != 0x7f);
}

static void check_signers(const struct layer *layer)
{
    for (size_t i = 0; i < layer->facts.signer_count; i++) {
        const struct signer_facts *signer = &layer->facts.signers[i];
        require(signer->has_certificate == (layer->signers[i].certificate != NULL));
        require(!signer->valid || signer->has_certificate);
        require(signer->valid || !signer->weak);
        require(signer->valid || signer->reason[0] != '\0');
        require(!signer->type_fault || signer->reason[0] != '\0');
        require_printable(signer->reason);
        require_printable(signer->issuer);
        require_printable(signer->serial);
    }
}

static void open_message(struct slice header, struct slice body, unsigned depth)
{
    struct error error = {0};
    owned(part) struct part *part = part_parse(header, body, &limits, &error);
    struct layer layer;
    enum opened opened;
    if (part == NULL)
        return;
    opened = smime_open(part, &(struct open_options){.limits = &limits, .keys = keys}, &layer, &error);
    if (opened == OPENED) {
        const char *end = memmem(layer.inner.data, layer.inner.len, "\r\n\r\n", 4);
        check_signers(&layer);
        if (end != NULL && depth < LAYERS) {
            struct slice inner_header = {layer.inner.data, (size_t)(end + 2 - layer.inner.data)};
            struct slice inner_body = {end + 4, layer.inner.len - inner_header.len - 2};
            open_message(inner_header, inner_body, depth + 1);
        }
    } else if (opened != OPENED_NOT_SMIME) {
        require(opened == OPENED_BROKEN || (layer.inner.data == NULL && layer.owner == NULL && layer.identity == NULL));
        require(layer.facts.signer_count == 0);
        require(error.kind != ERROR_NONE && error.kind != ERROR_BUG);
        require_printable(error.text);
    }
    layer_clear(&layer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char binary[] = "Content-Type: application/pkcs7-mime\r\nContent-Transfer-Encoding: binary\r\n";
    const char *text = (const char *)data;
    const char *end = memmem(text, size, "\r\n\r\n", 4);
    ERR_clear_error();
    if (size > 0 && data[0] == 0x30)
        open_message(slice_of(binary), (struct slice){text, size}, 0);
    else if (end != NULL)
        open_message((struct slice){text, (size_t)(end + 2 - text)},
                     (struct slice){end + 4, size - (size_t)(end + 4 - text)}, 0);
    require(ERR_peek_error() == 0);
    return 0;
}
