# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Messages of every kind that people send, written to standard output with CRLF line ends.
#     message KIND FROM TO ID
# Nothing in them depends on the clock or on chance, the bytes of the PDF's stream apart.

KINDS="text html pdf utf8 smtputf8 calendar empty"

crlf() {
    sed 's/$/\r/'
}

head_of() { # FROM TO ID SUBJECT
    cat <<EOF
From: $1
To: $2
Subject: $4
Date: Mon, 02 Mar 2026 09:30:00 +0100
Message-ID: <$3>
References: <first@e2e.test>
 <second@e2e.test>
X-Mailer:none
MIME-Version: 1.0
EOF
}

message() {
    "message_$1" "$2" "$3" "$4"
}

message_text() {
    {
        head_of "$1" "$2" "$3" "Meeting on Tuesday"
        cat <<'EOF'
Content-Type: text/plain; charset=us-ascii

Hello,

the merger stays secret until Tuesday. The price is 100 EUR a share.

Regards
EOF
    } | crlf
}

# A PNG of 8 by 8 pixels.
picture() {
    cat <<'EOF'
iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAAFUlEQVR42mNkYPjPgA0wMeAAg1MCAJlaAQ8W
3pXlAAAAAElFTkSuQmCC
EOF
}

message_html() {
    {
        head_of "$1" "$2" "$3" "Our new logo"
        cat <<'EOF'
Content-Type: multipart/related; type="multipart/alternative"; boundary="outer"

A line that no reader shows.
--outer
Content-Type: multipart/alternative; boundary="inner"

--inner
Content-Type: text/plain; charset=us-ascii
Content-Transfer-Encoding: 7bit

The new logo is secret, too.
--inner
Content-Type: text/html; charset=utf-8
Content-Transfer-Encoding: quoted-printable

<html><body><p>The new logo is <b>secret</b>, t=C3=B6o.</p><img src=3D"cid:=
logo@e2e.test"></body></html>
--inner--

--outer
Content-Type: image/png; name="logo.png"
Content-Disposition: inline; filename="logo.png"
Content-ID: <logo@e2e.test>
Content-Transfer-Encoding: base64

EOF
        picture
        echo "--outer--"
    } | crlf
}

# pdf OCTETS: a valid document whose one page has a stream of random bytes attached.
pdf() {
    local file offset
    file=$(mktemp)
    printf '%%PDF-1.4\n%%\342\343\317\323\n' >"$file"
    local -a offsets=()
    local -a objects=('<< /Type /Catalog /Pages 2 0 R >>' '<< /Type /Pages /Kids [3 0 R] /Count 1 >>'
        '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << >> >>')
    local number=0 object
    for object in "${objects[@]}"; do
        number=$((number + 1))
        offsets+=("$(stat -c %s "$file")")
        printf '%d 0 obj\n%s\nendobj\n' "$number" "$object" >>"$file"
    done
    offsets+=("$(stat -c %s "$file")")
    printf '4 0 obj\n<< /Length %d >>\nstream\n' "$1" >>"$file"
    head -c "$1" /dev/urandom >>"$file"
    printf '\nendstream\nendobj\n' >>"$file"
    offset=$(stat -c %s "$file")
    {
        printf 'xref\n0 5\n0000000000 65535 f \n'
        printf '%010d 00000 n \n' "${offsets[@]}"
        printf 'trailer\n<< /Size 5 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n' "$offset"
    } >>"$file"
    cat "$file"
    rm -f "$file"
}

message_pdf() {
    {
        head_of "$1" "$2" "$3" "The contract"
        cat <<'EOF'
Content-Type: multipart/mixed; boundary="pdf"

--pdf
Content-Type: text/plain; charset=us-ascii

The secret contract is attached.
--pdf
Content-Type: application/pdf; name="contract.pdf"
Content-Disposition: attachment; filename="contract.pdf"
Content-Transfer-Encoding: base64

EOF
        pdf "${PDF_SIZE:-3000000}" | base64 -w 76
        echo "--pdf--"
    } | crlf
}

message_utf8() {
    {
        head_of "$1" "$2" "$3" "=?utf-8?q?Gr=C3=BC=C3=9Fe?= aus Zürich"
        cat <<'EOF'
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: 8bit

Grüße aus Zürich, 祝好, Привет, καλημέρα. Das bleibt secret.
Ein Schlusswort mit Leerzeichen am Ende:   
EOF
    } | crlf
}

message_smtputf8() {
    {
        head_of "Jörg Müller <${1#*<}" "$2" "$3" "Internationalisierte Adressen: 例え"
        cat <<'EOF'
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: 8bit

Auch die Adressen sind jetzt in Unicode, und alles bleibt secret.
EOF
    } | crlf
}

message_calendar() {
    {
        head_of "$1" "$2" "$3" "Invitation: signing of the contract"
        cat <<EOF
Content-Type: multipart/alternative; boundary="event"

--event
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: 8bit

The secret signing, Tuesday at ten, in the café.
--event
Content-Type: text/calendar; charset=utf-8; method=REQUEST
Content-Transfer-Encoding: 8bit

BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//example//invitation//EN
METHOD:REQUEST
BEGIN:VEVENT
UID:$3
DTSTAMP:20260302T083000Z
DTSTART:20260303T090000Z
DTEND:20260303T100000Z
SUMMARY:Signing of the secret contract
LOCATION:Café
ORGANIZER:mailto:${1##*<}
END:VEVENT
END:VCALENDAR
--event--
EOF
    } | sed 's/\(mailto:.*\)>/\1/' | crlf
}

message_empty() {
    {
        head_of "$1" "$2" "$3" "(nothing but a subject)"
        echo "Content-Type: text/plain; charset=us-ascii"
        echo
    } | crlf
}
