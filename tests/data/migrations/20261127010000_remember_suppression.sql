update suppression_in_force set number = 3, sha256 = 'c0ffee', changed_at = now();
update segment_request set root_claimed_until = now() - interval '1 minute';
