update suppression_in_force set number = 3, sha256 = 'c0ffee', changed_at = now();
