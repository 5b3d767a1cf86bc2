// SPDX-License-Identifier: Apache-2.0
/*
 * Bouncy Castle as the other side. Reads tasks from standard input, one a line, fields separated by blanks, and prints
 * "ok NAME" or "fail NAME: why" for each, all in one virtual machine:
 *
 *     NAME verify  ANCHOR MESSAGE CONTENT          MESSAGE is a mail, CONTENT what was signed (written)
 *     NAME decrypt P12 CMS CONTENT
 *     NAME sign    P12[,P12] ALGORITHM FORMAT IN CMS     FORMAT detached or attached; CMS is DER (written)
 *     NAME sign    P12 ALGORITHM FORMAT IN CMS TYPE     with SignatureType TYPE of RFC 3183 (an OID), or over a receipt
 *     NAME encrypt CERTIFICATE TRANSPORT CIPHER IN CMS
 *     NAME encrypt CERTIFICATE TRANSPORT CIPHER IN CMS KIND     AES-GCM with KIND attributes: auth or unauth (RFC 5083)
 *     NAME compress IN CMS
 *
 * Its CMS has no X25519 (RFC 8418) yet. So that transport is put together here from its curve, key derivations and key
 * wrap: TRANSPORT is x25519, and then -x963 instead of HKDF, -sha384 or -sha512 instead of SHA-256, -ukm, -ski.
 *
 * java -cp bcprov.jar:bcpkix.jar:bcutil.jar:bcmail.jar:javax.mail.jar:javax.activation.jar Bouncy.java < tasks
 */
import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.InputStreamReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.Key;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.Security;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.MGF1ParameterSpec;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import javax.crypto.spec.OAEPParameterSpec;
import javax.crypto.spec.PSource;
import javax.crypto.spec.SecretKeySpec;
import javax.mail.Session;
import javax.mail.internet.MimeMessage;
import javax.mail.internet.MimeMultipart;
import org.bouncycastle.asn1.ASN1Encodable;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.ASN1OctetString;
import org.bouncycastle.asn1.DEROctetString;
import org.bouncycastle.asn1.DERSequence;
import org.bouncycastle.asn1.DERSet;
import org.bouncycastle.asn1.DERUTF8String;
import org.bouncycastle.asn1.cms.Attribute;
import org.bouncycastle.asn1.cms.AttributeTable;
import org.bouncycastle.asn1.cms.CMSObjectIdentifiers;
import org.bouncycastle.asn1.cms.ContentInfo;
import org.bouncycastle.asn1.cms.IssuerAndSerialNumber;
import org.bouncycastle.asn1.cms.KeyAgreeRecipientIdentifier;
import org.bouncycastle.asn1.cms.KeyAgreeRecipientInfo;
import org.bouncycastle.asn1.cms.OriginatorIdentifierOrKey;
import org.bouncycastle.asn1.cms.OriginatorPublicKey;
import org.bouncycastle.asn1.cms.RecipientEncryptedKey;
import org.bouncycastle.asn1.cms.RecipientInfo;
import org.bouncycastle.asn1.cms.RecipientKeyIdentifier;
import org.bouncycastle.asn1.cms.ecc.ECCCMSSharedInfo;
import org.bouncycastle.asn1.pkcs.PKCSObjectIdentifiers;
import org.bouncycastle.asn1.x509.AlgorithmIdentifier;
import org.bouncycastle.asn1.x509.SubjectKeyIdentifier;
import org.bouncycastle.asn1.x509.SubjectPublicKeyInfo;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.cert.jcajce.JcaCertStore;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cms.CMSAlgorithm;
import org.bouncycastle.cms.CMSAuthEnvelopedData;
import org.bouncycastle.cms.CMSAuthEnvelopedDataGenerator;
import org.bouncycastle.cms.CMSCompressedDataGenerator;
import org.bouncycastle.cms.CMSEnvelopedData;
import org.bouncycastle.cms.CMSEnvelopedDataGenerator;
import org.bouncycastle.cms.CMSEnvelopedGenerator;
import org.bouncycastle.cms.CMSProcessableByteArray;
import org.bouncycastle.cms.CMSSignedData;
import org.bouncycastle.cms.CMSSignedDataGenerator;
import org.bouncycastle.cms.KeyTransRecipientInformation;
import org.bouncycastle.cms.RecipientInfoGenerator;
import org.bouncycastle.cms.RecipientInformation;
import org.bouncycastle.cms.SignerInformation;
import org.bouncycastle.cms.SignerInformationStore;
import org.bouncycastle.cms.SimpleAttributeTableGenerator;
import org.bouncycastle.cms.jcajce.JcaSimpleSignerInfoGeneratorBuilder;
import org.bouncycastle.cms.jcajce.JcaSimpleSignerInfoVerifierBuilder;
import org.bouncycastle.cms.jcajce.JceCMSContentEncryptorBuilder;
import org.bouncycastle.cms.jcajce.JceKeyAgreeEnvelopedRecipient;
import org.bouncycastle.cms.jcajce.JceKeyAgreeRecipientInfoGenerator;
import org.bouncycastle.cms.jcajce.JceKeyTransAuthEnvelopedRecipient;
import org.bouncycastle.cms.jcajce.JceKeyTransEnvelopedRecipient;
import org.bouncycastle.cms.jcajce.JceKeyTransRecipientInfoGenerator;
import org.bouncycastle.cms.jcajce.ZlibCompressor;
import org.bouncycastle.crypto.DerivationFunction;
import org.bouncycastle.crypto.Digest;
import org.bouncycastle.crypto.agreement.X25519Agreement;
import org.bouncycastle.crypto.digests.SHA256Digest;
import org.bouncycastle.crypto.digests.SHA384Digest;
import org.bouncycastle.crypto.digests.SHA512Digest;
import org.bouncycastle.crypto.engines.AESWrapEngine;
import org.bouncycastle.crypto.generators.HKDFBytesGenerator;
import org.bouncycastle.crypto.generators.KDF2BytesGenerator;
import org.bouncycastle.crypto.params.AsymmetricKeyParameter;
import org.bouncycastle.crypto.params.HKDFParameters;
import org.bouncycastle.crypto.params.KDFParameters;
import org.bouncycastle.crypto.params.KeyParameter;
import org.bouncycastle.crypto.params.X25519PrivateKeyParameters;
import org.bouncycastle.crypto.util.PrivateKeyFactory;
import org.bouncycastle.crypto.util.PublicKeyFactory;
import org.bouncycastle.crypto.util.SubjectPublicKeyInfoFactory;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.bouncycastle.mail.smime.SMIMESigned;
import org.bouncycastle.operator.OutputAEADEncryptor;
import org.bouncycastle.operator.jcajce.JcaAlgorithmParametersConverter;
import org.bouncycastle.util.Pack;
import org.bouncycastle.util.Store;

public class Bouncy {
    static final String BC = "BC";

    record Identity(X509Certificate certificate, PrivateKey key) {
    }

    static Identity identity(String file) throws Exception {
        KeyStore store = KeyStore.getInstance("PKCS12");
        char[] password = "x".toCharArray();
        store.load(new ByteArrayInputStream(bytes(file)), password);
        String alias = store.aliases().nextElement();
        return new Identity((X509Certificate) store.getCertificate(alias), (PrivateKey) store.getKey(alias, password));
    }

    static byte[] bytes(String file) throws Exception {
        return Files.readAllBytes(Path.of(file));
    }

    static void write(String file, byte[] data) throws Exception {
        Files.write(Path.of(file), data);
    }

    static X509Certificate certificate(String file) throws Exception {
        return (X509Certificate) CertificateFactory.getInstance("X.509", BC)
                .generateCertificate(new ByteArrayInputStream(bytes(file)));
    }

    static void checkSigners(SignerInformationStore signers, Store<X509CertificateHolder> certificates, String anchor)
            throws Exception {
        if (signers.size() == 0)
            throw new Exception("no signer");
        for (SignerInformation signer : signers.getSigners()) {
            @SuppressWarnings("unchecked")
            Collection<X509CertificateHolder> found = certificates.getMatches(signer.getSID());
            if (found.isEmpty())
                throw new Exception("no certificate");
            X509Certificate leaf = new JcaX509CertificateConverter().setProvider(BC).getCertificate(found.iterator().next());
            leaf.verify(certificate(anchor).getPublicKey());
            if (!signer.verify(new JcaSimpleSignerInfoVerifierBuilder().setProvider(BC).build(leaf)))
                throw new Exception("signature does not verify");
        }
    }

    static void verify(String[] f) throws Exception {
        MimeMessage message = new MimeMessage(Session.getInstance(new Properties()), new ByteArrayInputStream(bytes(f[3])));
        if (message.isMimeType("multipart/signed")) {
            SMIMESigned signed = new SMIMESigned((MimeMultipart) message.getContent());
            checkSigners(signed.getSignerInfos(), signed.getCertificates(), f[2]);
            ByteArrayOutputStream content = new ByteArrayOutputStream();
            signed.getContent().writeTo(content);
            write(f[4], content.toByteArray());
            return;
        }
        CMSSignedData signed = new CMSSignedData(message.getInputStream());
        checkSigners(signed.getSignerInfos(), signed.getCertificates(), f[2]);
        write(f[4], (byte[]) signed.getSignedContent().getContent());
    }

    static void decrypt(String[] f) throws Exception {
        Identity identity = identity(f[2]);
        ContentInfo info = ContentInfo.getInstance(bytes(f[3]));
        boolean authenticated = info.getContentType().equals(CMSObjectIdentifiers.authEnvelopedData);
        RecipientInformation recipient = authenticated
                ? new CMSAuthEnvelopedData(info).getRecipientInfos().getRecipients().iterator().next()
                : new CMSEnvelopedData(info).getRecipientInfos().getRecipients().iterator().next();
        byte[] content;
        if (identity.key().getAlgorithm().equals("XDH"))
            content = recipient.getContent(new X25519Recipient(identity.key()).setProvider(BC));
        else if (!(recipient instanceof KeyTransRecipientInformation))
            content = recipient.getContent(new JceKeyAgreeEnvelopedRecipient(identity.key()).setProvider(BC));
        else if (authenticated)
            content = recipient.getContent(new JceKeyTransAuthEnvelopedRecipient(identity.key()).setProvider(BC));
        else
            content = recipient.getContent(new JceKeyTransEnvelopedRecipient(identity.key()).setProvider(BC));
        write(f[4], content);
    }

    static AttributeTable attributes(String type, ASN1Encodable value) {
        return new AttributeTable(new DERSet(new Attribute(new ASN1ObjectIdentifier(type), new DERSet(value))));
    }

    static void sign(String[] f) throws Exception {
        CMSSignedDataGenerator generator = new CMSSignedDataGenerator();
        boolean receipt = f.length > 7 && f[7].equals("receipt");
        for (String file : f[2].split(",")) {
            Identity identity = identity(file);
            JcaSimpleSignerInfoGeneratorBuilder builder = new JcaSimpleSignerInfoGeneratorBuilder().setProvider(BC);
            if (f.length > 7 && !receipt)
                builder.setSignedAttributeGenerator(attributes("1.2.840.113549.1.9.16.2.28",
                        new DERSequence(new ASN1ObjectIdentifier(f[7]))));
            generator.addSignerInfoGenerator(builder.build(f[3], identity.key(), identity.certificate()));
            generator.addCertificates(new JcaCertStore(List.of(identity.certificate())));
        }
        ASN1ObjectIdentifier type = receipt ? new ASN1ObjectIdentifier("1.2.840.113549.1.9.16.1.1") : PKCSObjectIdentifiers.data;
        CMSProcessableByteArray content = new CMSProcessableByteArray(type, bytes(f[5]));
        write(f[6], generator.generate(content, f[4].equals("attached")).getEncoded());
    }

    static ASN1ObjectIdentifier cipher(String name) throws Exception {
        switch (name) {
        case "aes-128-cbc":
            return CMSAlgorithm.AES128_CBC;
        case "aes-192-cbc":
            return CMSAlgorithm.AES192_CBC;
        case "aes-256-cbc":
            return CMSAlgorithm.AES256_CBC;
        case "aes-128-gcm":
            return CMSAlgorithm.AES128_GCM;
        case "aes-256-gcm":
            return CMSAlgorithm.AES256_GCM;
        default:
            throw new Exception("cipher " + name);
        }
    }

    /** RFC 8418 section 7. */
    static final Map<String, String> SCHEMES = Map.of("1.2.840.113549.1.9.16.3.19", "hkdf-sha256", "1.2.840.113549.1.9.16.3.20",
            "hkdf-sha384", "1.2.840.113549.1.9.16.3.21", "hkdf-sha512", "1.3.132.1.11.1", "x963-sha256", "1.3.132.1.11.2",
            "x963-sha384", "1.3.132.1.11.3", "x963-sha512");

    /** The wrap for a content key of so many octets. */
    static final Map<Integer, ASN1ObjectIdentifier> WRAPS = Map.of(16, CMSAlgorithm.AES128_WRAP, 24, CMSAlgorithm.AES192_WRAP, 32,
            CMSAlgorithm.AES256_WRAP);

    /** RFC 8418 section 2. */
    static KeyParameter keyEncryptionKey(AlgorithmIdentifier algorithm, AsymmetricKeyParameter own, AsymmetricKeyParameter other,
            byte[] ukm) throws Exception {
        AlgorithmIdentifier wrap = AlgorithmIdentifier.getInstance(algorithm.getParameters());
        int length = WRAPS.entrySet().stream().filter(e -> e.getValue().equals(wrap.getAlgorithm())).findFirst().get().getKey();
        byte[] info = new ECCCMSSharedInfo(wrap, ukm, Pack.intToBigEndian(length * 8)).getEncoded("DER");
        String scheme = SCHEMES.get(algorithm.getAlgorithm().getId());
        Digest digest = scheme.endsWith("256") ? new SHA256Digest() : scheme.endsWith("384") ? new SHA384Digest()
                : new SHA512Digest();
        byte[] secret = new byte[32], kek = new byte[length];
        X25519Agreement agreement = new X25519Agreement();
        agreement.init(own);
        agreement.calculateAgreement(other, secret, 0);
        boolean hkdf = scheme.startsWith("hkdf");
        DerivationFunction derivation = hkdf ? new HKDFBytesGenerator(digest) : new KDF2BytesGenerator(digest);
        derivation.init(hkdf ? new HKDFParameters(secret, ukm, info) : new KDFParameters(secret, info));
        derivation.generateBytes(kek, 0, length);
        return new KeyParameter(kek);
    }

    static class X25519Recipient extends JceKeyAgreeEnvelopedRecipient {
        private final AsymmetricKeyParameter own;

        X25519Recipient(PrivateKey key) throws Exception {
            super(key);
            own = PrivateKeyFactory.createKey(key.getEncoded());
        }

        @Override
        protected Key extractSecretKey(AlgorithmIdentifier algorithm, AlgorithmIdentifier contentAlgorithm,
                SubjectPublicKeyInfo sender, ASN1OctetString ukm, byte[] wrapped) {
            try {
                AESWrapEngine engine = new AESWrapEngine();
                engine.init(false, keyEncryptionKey(algorithm, own, PublicKeyFactory.createKey(sender),
                        ukm == null ? null : ukm.getOctets()));
                return new SecretKeySpec(engine.unwrap(wrapped, 0, wrapped.length), "AES");
            } catch (Exception failure) {
                throw new IllegalStateException(failure);
            }
        }
    }

    static RecipientInfo x25519(X509Certificate certificate, String transport, byte[] contentKey) throws Exception {
        String hash = transport.contains("sha384") ? "sha384" : transport.contains("sha512") ? "sha512" : "sha256";
        String name = (transport.contains("x963") ? "x963-" : "hkdf-") + hash;
        String oid = SCHEMES.entrySet().stream().filter(e -> e.getValue().equals(name)).findFirst().get().getKey();
        AlgorithmIdentifier algorithm = new AlgorithmIdentifier(new ASN1ObjectIdentifier(oid),
                new AlgorithmIdentifier(WRAPS.get(contentKey.length)));
        byte[] ukm = transport.contains("ukm") ? "some user keying material, longer than the key".getBytes() : null;
        X25519PrivateKeyParameters ephemeral = new X25519PrivateKeyParameters(new java.security.SecureRandom());
        AESWrapEngine engine = new AESWrapEngine();
        engine.init(true, keyEncryptionKey(algorithm, ephemeral, PublicKeyFactory.createKey(certificate.getPublicKey().getEncoded()), ukm));
        X509CertificateHolder holder = new X509CertificateHolder(certificate.getEncoded());
        KeyAgreeRecipientIdentifier identifier = transport.contains("ski")
                ? new KeyAgreeRecipientIdentifier(new RecipientKeyIdentifier(
                        SubjectKeyIdentifier.fromExtensions(holder.getExtensions()).getKeyIdentifier()))
                : new KeyAgreeRecipientIdentifier(new IssuerAndSerialNumber(holder.getIssuer(), holder.getSerialNumber()));
        SubjectPublicKeyInfo sender = SubjectPublicKeyInfoFactory.createSubjectPublicKeyInfo(ephemeral.generatePublicKey());
        return new RecipientInfo(new KeyAgreeRecipientInfo(
                new OriginatorIdentifierOrKey(new OriginatorPublicKey(sender.getAlgorithm(), sender.getPublicKeyData().getOctets())),
                ukm == null ? null : new DEROctetString(ukm), algorithm, new DERSequence(new RecipientEncryptedKey(identifier,
                        new DEROctetString(engine.wrap(contentKey, 0, contentKey.length))))));
    }

    static RecipientInfoGenerator recipient(X509Certificate certificate, String transport) throws Exception {
        if (transport.equals("ecdh")) {
            var pair = java.security.KeyPairGenerator.getInstance("EC", BC);
            pair.initialize(((java.security.interfaces.ECPublicKey) certificate.getPublicKey()).getParams());
            var ephemeral = pair.generateKeyPair();
            return new JceKeyAgreeRecipientInfoGenerator(CMSAlgorithm.ECDH_SHA256KDF, ephemeral.getPrivate(),
                    ephemeral.getPublic(), CMSAlgorithm.AES256_WRAP).addRecipient(certificate).setProvider(BC);
        }
        if (transport.startsWith("x25519"))
            return key -> {
                try {
                    return x25519(certificate, transport, (byte[]) key.getRepresentation());
                } catch (Exception failure) {
                    throw new IllegalStateException(failure);
                }
            };
        if (transport.equals("pkcs1-ski"))
            return new JceKeyTransRecipientInfoGenerator(SubjectKeyIdentifier.fromExtensions(new X509CertificateHolder(
                    certificate.getEncoded()).getExtensions()).getKeyIdentifier(), certificate.getPublicKey()).setProvider(BC);
        if (transport.equals("pkcs1"))
            return new JceKeyTransRecipientInfoGenerator(certificate).setProvider(BC);
        OAEPParameterSpec oaep = new OAEPParameterSpec("SHA-256", "MGF1", MGF1ParameterSpec.SHA256,
                PSource.PSpecified.DEFAULT);
        return new JceKeyTransRecipientInfoGenerator(certificate, new JcaAlgorithmParametersConverter()
                .getAlgorithmIdentifier(PKCSObjectIdentifiers.id_RSAES_OAEP, oaep)).setProvider(BC);
    }

    static void encrypt(String[] f) throws Exception {
        boolean authenticated = f[4].endsWith("gcm");
        CMSEnvelopedGenerator generator = authenticated ? new CMSAuthEnvelopedDataGenerator() : new CMSEnvelopedDataGenerator();
        generator.addRecipientInfoGenerator(recipient(certificate(f[2]), f[3]));
        CMSProcessableByteArray content = new CMSProcessableByteArray(bytes(f[5]));
        var encryptor = new JceCMSContentEncryptorBuilder(cipher(f[4])).setProvider(BC).build();
        if (f.length > 7) {
            CMSAuthEnvelopedDataGenerator attributed = (CMSAuthEnvelopedDataGenerator) generator;
            var table = new SimpleAttributeTableGenerator(attributes("1.2.840.113549.1.9.16.2.4", new DERUTF8String("a hint")));
            if (f[7].equals("auth"))
                attributed.setAuthenticatedAttributeGenerator(table);
            else
                attributed.setUnauthenticatedAttributeGenerator(table);
        }
        if (authenticated)
            write(f[6], ((CMSAuthEnvelopedDataGenerator) generator).generate(content, (OutputAEADEncryptor) encryptor)
                    .getEncoded());
        else
            write(f[6], ((CMSEnvelopedDataGenerator) generator).generate(content, encryptor).getEncoded());
    }

    static void compress(String[] f) throws Exception {
        write(f[3], new CMSCompressedDataGenerator().generate(new CMSProcessableByteArray(bytes(f[2])), new ZlibCompressor())
                .getEncoded());
    }

    static void run(String[] f) throws Exception {
        switch (f[1]) {
        case "verify":
            verify(f);
            break;
        case "decrypt":
            decrypt(f);
            break;
        case "sign":
            sign(f);
            break;
        case "encrypt":
            encrypt(f);
            break;
        case "compress":
            compress(f);
            break;
        default:
            throw new Exception("unknown task");
        }
    }

    public static void main(String[] arguments) throws Exception {
        Security.addProvider(new BouncyCastleProvider());
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
        for (String line; (line = in.readLine()) != null;) {
            String[] fields = line.trim().split("\\s+");
            try {
                run(fields);
                System.out.println("ok " + fields[0]);
            } catch (Exception failure) {
                System.out.println("fail " + fields[0] + ": " + failure);
            }
        }
    }
}
