"""What filters of the API become: conditions on tables under fixed names.

    flow f   flow_run r   task_run t   deployment d   work_pool p   work_queue q

`nouns` has the condition that each filter alone stands for, `joint` what several of them mean for one noun. Who
writes a list endpoint selects from its table under that name and takes its conditions from `joint`.
"""
