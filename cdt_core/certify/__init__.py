"""From findings to a certificate: a pure function of what was measured and of the policy in force."""
