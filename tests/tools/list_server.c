/* SPDX-License-Identifier: Apache-2.0 */
/*
 * list_server: a web server on loopback with revocation lists of an authority: "/<count>" has so many entries. Prints
 * its port and stays until it is ended.
 * usage: list_server CA.pem CA.key COUNT...
 */
#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LISTS_MAX 8

struct list {
    long count;
    unsigned char *der;
    int length;
};

static X509 *read_certificate(const char *file)
{
    FILE *stream = fopen(file, "r");
    X509 *certificate = stream != NULL ? PEM_read_X509(stream, NULL, NULL, NULL) : NULL;
    if (stream != NULL)
        fclose(stream);
    return certificate;
}

static EVP_PKEY *read_key(const char *file)
{
    FILE *stream = fopen(file, "r");
    EVP_PKEY *key = stream != NULL ? PEM_read_PrivateKey(stream, NULL, NULL, NULL) : NULL;
    if (stream != NULL)
        fclose(stream);
    return key;
}

/* Serial numbers of eight octets, of no certificate that there is. */
static int add_entry(X509_CRL *crl, long number, ASN1_TIME *since)
{
    X509_REVOKED *entry = X509_REVOKED_new();
    ASN1_INTEGER *serial = ASN1_INTEGER_new();
    int good = entry != NULL && serial != NULL && ASN1_INTEGER_set_int64(serial, 0x7000000000000000 + number) &&
               X509_REVOKED_set_serialNumber(entry, serial) && X509_REVOKED_set_revocationDate(entry, since) &&
               X509_CRL_add0_revoked(crl, entry);
    ASN1_INTEGER_free(serial);
    return good;
}

static int make(struct list *list, X509 *ca, EVP_PKEY *key)
{
    X509_CRL *crl = X509_CRL_new();
    ASN1_TIME *from = X509_gmtime_adj(NULL, -3600), *until = X509_gmtime_adj(NULL, 86400);
    X509V3_CTX context;
    int good = crl != NULL && X509_CRL_set_version(crl, X509_CRL_VERSION_2) &&
               X509_CRL_set_issuer_name(crl, X509_get_subject_name(ca)) && X509_CRL_set1_lastUpdate(crl, from) &&
               X509_CRL_set1_nextUpdate(crl, until);
    for (long i = 0; good && i < list->count; i++)
        good = add_entry(crl, i, from);
    X509V3_set_ctx(&context, ca, NULL, NULL, crl, 0);
    X509_EXTENSION *identifier = X509V3_EXT_conf_nid(NULL, &context, NID_authority_key_identifier, "keyid");
    ASN1_INTEGER *number = ASN1_INTEGER_new();
    good = good && identifier != NULL && number != NULL && X509_CRL_add_ext(crl, identifier, -1) &&
           X509_CRL_add1_ext_i2d(crl, NID_crl_number, number, 0, 0) && X509_CRL_sort(crl) &&
           X509_CRL_sign(crl, key, EVP_sha256()) > 0;
    list->length = good ? i2d_X509_CRL(crl, &list->der) : -1;
    X509_EXTENSION_free(identifier);
    ASN1_INTEGER_free(number);
    ASN1_TIME_free(from);
    ASN1_TIME_free(until);
    X509_CRL_free(crl);
    return list->length > 0;
}

static void send_all(int fd, const void *data, size_t length)
{
    for (size_t sent = 0; sent < length;) {
        ssize_t count = send(fd, (const char *)data + sent, length - sent, MSG_NOSIGNAL);
        if (count <= 0)
            return;
        sent += (size_t)count;
    }
}

static void answer(int fd, const struct list *lists, int count)
{
    char request[4096], head[128];
    ssize_t length = recv(fd, request, sizeof(request) - 1, 0);
    request[length > 0 ? length : 0] = '\0';
    long wanted = strncmp(request, "GET /", 5) == 0 ? strtol(request + 5, NULL, 10) : -1;
    const struct list *list = NULL;
    for (int i = 0; i < count; i++)
        if (lists[i].count == wanted)
            list = &lists[i];
    int size = list != NULL ? list->length : 0;
    int used = snprintf(head, sizeof(head), "HTTP/1.1 %s\r\nConnection: close\r\nContent-Length: %d\r\n\r\n",
                        list != NULL ? "200 OK" : "404 Not Found", size);
    send_all(fd, head, (size_t)used);
    if (list != NULL)
        send_all(fd, list->der, (size_t)size);
}

int main(int argc, char **argv)
{
    struct list lists[LISTS_MAX] = {{0}};
    int count = argc - 3;
    X509 *ca = count > 0 && count <= LISTS_MAX ? read_certificate(argv[1]) : NULL;
    EVP_PKEY *key = ca != NULL ? read_key(argv[2]) : NULL;
    if (key == NULL)
        return 64;
    for (int i = 0; i < count; i++) {
        lists[i].count = strtol(argv[i + 3], NULL, 10);
        if (!make(&lists[i], ca, key)) {
            ERR_print_errors_fp(stderr);
            return 1;
        }
    }
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, length) != 0 || listen(listener, 64) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &length) != 0)
        return 1;
    printf("%u\n", ntohs(address.sin_port));
    fflush(stdout);
    for (;;) {
        int fd = accept(listener, NULL, NULL);
        if (fd < 0)
            continue;
        answer(fd, lists, count);
        close(fd);
    }
}
