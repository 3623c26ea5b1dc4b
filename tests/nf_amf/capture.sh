#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# capture.sh CAPTURE_TEST TSHARK_CHECK - writes the capture, and has tshark judge it; 77 without tshark.
set -e
file=$(mktemp)
trap 'rm -f "$file"' EXIT
"$1" "$file"
"$2" "$file" ngap nas-5gs
