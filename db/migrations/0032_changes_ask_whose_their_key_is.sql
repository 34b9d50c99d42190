-- Ends the transaction of a change whose access key is not whose the edge takes it for (lockConfig).
CREATE FUNCTION "admit"("holds" boolean) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  IF "holds" THEN
    RETURN true;
  END IF;
  RAISE EXCEPTION 'the access key is not whose it was' USING ERRCODE = 'AK001';
END
$$;
