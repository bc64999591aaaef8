DROP TABLE question_count;
